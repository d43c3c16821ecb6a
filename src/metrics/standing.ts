/** Turns the backlog into gauges, and limits how often the database is asked for it. */
import { performance } from '../clock.ts'
import type { BacklogReport } from '../deliveries/backlog.ts'
import { ofHandler } from './labels.ts'
import { STANDING, type Measurement } from './metrics.ts'

const STATES = ['waiting', 'later', 'retrying', 'snoozed', 'awaiting', 'parked'] as const
/** Looking takes no more than this part of the time. */
const SHARE = 1 / 20

export function standing({ handlers }: BacklogReport): readonly Measurement[] {
  return handlers.flatMap((one) => {
    const labels = ofHandler(one.handler)
    return [
      ...STATES.map((state) => ({
        metric: STANDING.backlog,
        labels: { ...labels, 'postbus.state': state },
        value: one[state],
      })),
      { metric: STANDING.running, labels, value: one.running },
      { metric: STANDING.oldestWaiting, labels, value: (one.oldestWaitingMs ?? 0) / 1_000 },
      { metric: STANDING.blockedKeys, labels, value: one.blockedKeys },
      { metric: STANDING.deadOpen, labels, value: one.dead },
      ...(one.log
        ? [
            { metric: STANDING.logLag, labels, value: one.log.events },
            { metric: STANDING.logAge, labels, value: one.log.seconds },
          ]
        : []),
    ]
  })
}

/**
 * Returns a function that looks again `everyMs` after its last look began, or later if looks take long. Until then it returns the last
 * result or error again. Calls at the same time share one look.
 */
export function sparingly<Found>(look: () => Promise<Found>, everyMs: number): () => Promise<Found> {
  let latest: Promise<Found> | null = null
  let nextAt = -Infinity
  return () => {
    const began = performance.now()
    if (latest !== null && began < nextAt) return latest
    nextAt = Infinity
    const found = look()
    latest = found
    const ended = () => {
      nextAt = began + Math.max(everyMs, (performance.now() - began) / SHARE)
    }
    found.then(ended, ended)
    return found
  }
}
