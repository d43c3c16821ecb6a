/** Postbus as a keeper of order: `bus.publish` with `tx`, and a worker. */
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, failed, type Bus } from '../../src/index.ts'
import { PATIENCE_MS, type KeeperOfOrder, type Trace } from './keeper-of-order.ts'

const schema = z.object({ key: z.string(), what: z.string() })
const Happened = defineEvent('bench.happened', { schema, partitionKey: (data) => data.key })

type Handle = (data: z.infer<typeof schema>, attempt: number) => unknown

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
    const workWith = async (given: Handle, isOver: () => boolean) => {
      handle = given
      return work(bus, isOver)
    }
    return {
      publish: async (client, key, what) => void (await bus.publish(Happened({ key, what }), { tx: client })),
      handle: (attempts, failing) => handleSome(workWith, attempts, failing),
      handleBeside: (hotKey, others) => handleBeside(workWith, hotKey, others),
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

/** Runs a worker until `isOver` returns true, or until `PATIENCE_MS` have passed. The caller stops the worker. */
type WorkWith = (handle: Handle, isOver: () => boolean) => Promise<{ stop(): Promise<unknown> }>

async function work(bus: Bus, isOver: () => boolean): ReturnType<WorkWith> {
  const worker = bus.worker()
  await worker.start()
  const until = performance.now() + PATIENCE_MS
  while (!isOver() && performance.now() < until) await delay(10)
  return worker
}

async function handleSome(workWith: WorkWith, attempts: number, failing?: string): Promise<Trace> {
  const trace: string[] = []
  const handle: Handle = ({ what }, attempt) => {
    const fails = what === failing && attempt === 1
    trace.push(fails ? `${what}✗` : what)
    return fails ? failed('as arranged') : undefined
  }
  const worker = await workWith(handle, () => trace.length >= attempts)
  await worker.stop()
  return trace
}

async function handleBeside(workWith: WorkWith, hotKey: string, others: number): Promise<number> {
  const hotMayEnd = Promise.withResolvers<void>()
  let handled = 0
  const handle: Handle = ({ key }) => {
    if (key === hotKey) return hotMayEnd.promise
    handled += 1
    return undefined
  }
  const worker = await workWith(handle, () => handled >= others)
  const handledBeside = handled
  hotMayEnd.resolve()
  await worker.stop()
  return handledBeside
}
