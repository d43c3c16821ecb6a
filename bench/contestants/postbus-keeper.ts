/** Ourselves as keepers of an order: `bus.publish` with `tx`, and a worker. */
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, failed, type Bus } from '../../src/index.ts'
import type { KeeperOfOrder, Trace } from './keeper-of-order.ts'

const schema = z.object({ key: z.string(), what: z.string() })
const Happened = defineEvent('bench.happened', { schema, partitionKey: (data) => data.key })

type Handle = (data: z.infer<typeof schema>, attempt: number) => unknown

/** Longer than the retry's delay. */
const PATIENCE_MS = 2_500

export const postbusKeeper: KeeperOfOrder = {
  name: 'postbus',
  configuration: 'bus.publish(event, { tx }); bus.worker().start(), 20 at once; backoff 1 s',
  async install(connectionString) {
    const bus = busFor(connectionString, () => undefined)
    await bus.migrate()
    await bus.close()
  },
  async open(connectionString) {
    let handle: Handle = () => undefined
    const bus = busFor(connectionString, (data, attempt) => handle(data, attempt))
    return {
      publish: async (client, key, what) => void (await bus.publish(Happened({ key, what }), { tx: client })),
      handleAll: (failing) => handleAll(bus, failing, (given) => (handle = given)),
      handleBeside: (hotKey) => handleBeside(bus, hotKey, (given) => (handle = given)),
      close: () => bus.close(),
    }
  },
}

function busFor(connectionString: string, handle: Handle): Bus {
  const handler = defineHandler('bench.remember', {
    on: Happened,
    backoff: () => 1_000,
    handle: (event, context) => handle(event.data, context.attempt),
  })
  return createBus({ connectionString, handlers: [handler], onSignal: () => undefined })
}

async function handleAll(bus: Bus, failing: ReadonlySet<string>, use: (handle: Handle) => void): Promise<Trace> {
  const trace: string[] = []
  let idleSince = performance.now()
  use(({ what }, attempt) => {
    const fails = failing.has(what) && attempt === 1
    trace.push(fails ? `${what}✗` : what)
    idleSince = performance.now()
    return fails ? failed('as arranged') : undefined
  })
  const worker = bus.worker()
  await worker.start()
  while (performance.now() - idleSince < PATIENCE_MS) await delay(20)
  await worker.stop()
  return trace
}

async function handleBeside(bus: Bus, hotKey: string, use: (handle: Handle) => void): Promise<number> {
  const hotMayEnd = Promise.withResolvers<void>()
  let handled = 0
  let idleSince = performance.now()
  use(({ key }) => {
    if (key === hotKey) return hotMayEnd.promise
    handled += 1
    idleSince = performance.now()
    return undefined
  })
  const worker = bus.worker()
  await worker.start()
  while (performance.now() - idleSince < PATIENCE_MS) await delay(20)
  const handledBeside = handled
  hotMayEnd.resolve()
  await worker.stop()
  return handledBeside
}
