/** Measures the cost of recording events in a test, besides the codec that every event goes through anyway. */
import { z } from 'zod'
import { createCodec } from '../../src/codec/codec.ts'
import { createBus, defineEvent } from '../../src/index.ts'
import { withTestBus } from '../../src/testing/index.ts'
import type { Entry, Figures, Question } from '../question.ts'

const OrderPlaced = defineEvent('bench.order-placed', {
  schema: z.object({ orderId: z.string(), total: z.number(), placedAt: z.date() }),
})

const CASE = 'mailbox mode'
const OURS = 'bus.publish in withTestBus'
const COST = 'µs a publish beyond the codec'

export const testingOverhead: Question = {
  name: 'testing-overhead',
  asks: 'what does a test pay for recording what it publishes?',
  rounds: 9,
  notes: [
    'One event at a time, about 150 bytes. Encoding and decoding the same data alone is timed too, and taken off.',
  ],
  cases: ({ quick }) => [{ name: CASE, entries: [recording(quick ? 20 : 5_000)] }],
  goals: [
    {
      says: `${CASE}: ${COST}`,
      measured: (figure) => figure({ case: CASE, contestant: OURS, figure: COST }),
      atMost: 50,
    },
  ],
}

function recording(events: number): Entry {
  return {
    contestant: OURS,
    configuration: `createBus({ backend: 'mailbox' }), ${events} events`,
    state: 'nothing',
    prepare: async () => undefined,
    async measure(): Promise<Figures> {
      const bus = createBus({ backend: 'mailbox' })
      const codec = createCodec()
      const orders = Array.from({ length: events }, () =>
        OrderPlaced({ orderId: 'o'.repeat(100), total: 42, placedAt: new Date() }),
      )
      const publishing = await msOf(() =>
        withTestBus(async () => {
          for (const order of orders) await bus.publish(order)
        }),
      )
      const coding = await msOf(async () => orders.forEach(({ data }) => codec.decode(codec.encode(data, ''))))
      return { [COST]: ((publishing - coding) / events) * 1_000 }
    },
  }
}

async function msOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}
