/** Ends an event that was read from the log and has run: it is done, or becomes a delivery. */
import { performance } from '../../clock.ts'
import type { Ending, Settlement } from '../../deliveries/delivery.ts'
import type { Entry } from './shard.ts'

/** The event goes on as a job, and its key in the lane. A spilled event has its job already. */
export function endWith(entry: Entry, end: Ending): void {
  const { key, shard } = entry
  entry.isOver = true
  entry.end = end
  entry.endedAt = performance.now()
  if (entry.state === 'spilled') return void shard.ends.push(entry)
  entry.state = 'ended'
  if (key === null) return
  key.unwritten += 1
  shard.toLane(key)
}

export function endOf(settlement: Settlement): Ending {
  switch (settlement.is) {
    case 'done':
      return { is: 'done' }
    case 'passed':
      return { is: 'passed', as: settlement.as, reason: settlement.reason }
    case 'retry':
      return { is: 'retry', delayMs: settlement.delayMs, error: settlement.error }
    case 'later':
      return { is: 'later', delayMs: settlement.delayMs }
    case 'awaiting':
      return { is: 'awaiting', delayMs: settlement.delayMs }
    case 'dead':
      return { is: 'dead', reason: settlement.reason, error: settlement.error, onDead: settlement.onDead }
  }
}
