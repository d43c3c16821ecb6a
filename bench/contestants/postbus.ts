/** Ourselves: `bus.publish` of lists of 1,000, and a worker as `bus.worker().start()` runs it. */
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, type Bus, type Envelope } from '../../src/index.ts'
import { HOT_KEY, listsOf } from '../load.ts'
import type { Contestant, Count } from './contestant.ts'

const LIST = 1_000

const schema = z.object({ orderId: z.string(), customerId: z.string(), total: z.number(), placedAt: z.string() })

export const OrderChanged = defineEvent('bench.order-changed', { schema, partitionKey: (data) => data.orderId })

export function postbus(concurrency: number): Contestant {
  return {
    product: 'postbus',
    name: `postbus, ${concurrency} at once`,
    configuration: `bus.worker({ queues: { events_partitioned: ${concurrency} } })${concurrency === 20 ? ', the default' : ''}, no-op handler, pool of 5`,
    async fill(connectionString, load) {
      const bus = busFor(connectionString, () => undefined)
      await bus.migrate()
      for (const { start, keys } of listsOf(load, LIST)) {
        await bus.publish(keys.map((key, place) => anEvent(key, start + place)))
      }
      await bus.close()
    },
    async open(connectionString) {
      let ofHot = 0
      const bus = busFor(connectionString, (key) => {
        if (key === HOT_KEY) ofHot += 1
      })
      const worker = bus.worker({ queues: { events_partitioned: concurrency } })
      await bus.ready()
      return {
        start(count: Count) {
          Object.defineProperty(count, 'done', { get: () => worker.counts().done })
          Object.defineProperty(count, 'ofHot', { get: () => ofHot })
          void worker.start()
        },
        async stop() {
          await worker.stop()
          await bus.close()
        },
      }
    },
  }
}

/** About 150 bytes. */
export function anEvent(key: string, place: number): Envelope {
  const placedAt = '2026-01-01T12:00:00.000Z'
  return OrderChanged({ orderId: key, customerId: `customer-${place % 1_000}-of-the-bench`, total: place, placedAt })
}

function busFor(connectionString: string, onHandled: (key: string) => void): Bus {
  const handler = defineHandler('bench.do-nothing', {
    on: OrderChanged,
    handle: (event) => onHandled(event.data.orderId),
  })
  return createBus({ connectionString, handlers: [handler], queryTimeoutMs: 60_000, onSignal: printTrouble })
}

function printTrouble({ level, name, message }: { level: string; name: string; message: string }): void {
  if (level === 'warn' || level === 'error') process.stderr.write(`${name}: ${message}\n`)
}
