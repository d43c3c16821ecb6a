/** Measures where the time from a commit to the start of a handler goes, step by step, on connections that were idle before. */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from 'pg'
import { orderOf } from '../order.ts'
import { publishingEntry } from '../publishers/entry.ts'
import { postbus } from '../publishers/postbus.ts'
import { placeOrder, type OpenPublisher } from '../publishers/publisher.ts'
import type { Case, Extent, Figures, Question } from '../question.ts'
import { StepTimes } from '../step-times.ts'

const PAUSE_MS = 50
const WARM_UP = 10

export const latencyProfile: Question = {
  name: 'latency-profile',
  asks: 'where does the time from a commit to the start of a handler go?',
  rounds: 3,
  notes: [
    `What a worker does by hand, for an event every ${PAUSE_MS} ms with one receiver: medians. One process plays both parts, so nobody competes for the processor.`,
    'A handler starts after the notification and a claim of one delivery. Workers send claims unprepared, for the sake of poolers; every other claim here is prepared by its client. The round trip is a prepared statement that does nothing, after the same pause: no claim can be faster.',
  ],
  cases: casesOf,
  goals: [],
}

function casesOf({ quick }: Extent): readonly Case[] {
  const events = quick ? 2 : 100
  const entry = publishingEntry(postbus, { receivers: 1, connections: 3 }, ({ open, clients }) =>
    stepByStep(open, clients, events),
  )
  return [{ name: 'idle, an event every 50 ms', entries: [entry] }]
}

async function stepByStep(open: OpenPublisher, clients: readonly Client[], events: number): Promise<Figures> {
  const [publisher, listener, worker] = clients
  if (!publisher || !listener || !worker) throw new Error('Three connections are needed.')
  await listener.query('listen postbus_postbus')
  const text = `select answer.* from postbus.claim_2('events', $1, $2::jsonb, null, null, null) answer, set_config('synchronous_commit', 'off', true)`
  const times = new StepTimes()

  for (let place = 0; place < WARM_UP + events; place += 1) {
    if (place === WARM_UP) times.clear()
    await delay(PAUSE_MS)
    const heard = once(listener, 'notification')
    let committing = 0
    const committed = placeOrder(
      open,
      publisher,
      orderOf(`order-${place}`, place),
      () => (committing = performance.now()),
    )
    await Promise.all([
      committed.then(() => times.add('until the publisher has its answer', committing)),
      heard.then(() => times.add('until a worker hears of it', committing)),
    ])
    if (place % 2 === 0) await times.of('a claim', () => worker.query(text, [20, null]))
    else await times.of('a claim that was prepared', () => worker.query({ name: 'claim', text }, [20, null]))
    await delay(PAUSE_MS)
    await times.of('a round trip', () => worker.query({ name: 'nothing', text: 'select 1' }))
  }
  return times.medians()
}
