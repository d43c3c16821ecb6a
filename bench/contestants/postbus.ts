/** Postbus: `bus.publish` of lists of 1,000, and a worker as `bus.worker().start()` runs it. */
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, type Bus, type Envelope } from '../../src/index.ts'
import { HOT_KEY, listsOf } from '../load.ts'
import { orderOf, receivers, type Order } from '../order.ts'
import type { Contestant, Count, OnHandled } from './contestant.ts'

const LIST = 1_000

const schema = z.object({
  orderId: z.string(),
  customerId: z.string(),
  total: z.number(),
  placedAt: z.string(),
  note: z.string().optional(),
})

/** Goes through the queue `events_partitioned`, which keeps the order of each key. */
export const OrderChanged = defineEvent('bench.order-changed', { schema, partitionKey: (data) => data.orderId })
/** Goes through the plain queue `events`. */
export const OrderPlaced = defineEvent('bench.order-placed', { schema })

type Kind = 'with keys' | 'without keys' | 'of both kinds'

interface Setup {
  readonly kind: Kind
  readonly concurrency: number
  /** How many handlers there are. Default: one. By default all are on one queue. */
  readonly handlers?: number
  readonly queueEach?: boolean
  /** True if the handlers read the log. */
  readonly readsLog?: boolean
  /** If it is set, each hundredth event fails twice, and its attempts are this far apart. */
  readonly failsApartMs?: number
  /** If it is set, events are pruned so long after their last delivery. */
  readonly retentionMs?: number
}

const QUEUE = { 'with keys': 'events_partitioned', 'without keys': 'events' } as const

function postbus(setup: Setup): Contestant {
  const { kind, concurrency, handlers = 1 } = setup
  const options = kind === 'of both kinds' ? {} : { queues: { [QUEUE[kind]]: concurrency } }
  const said = kind === 'of both kinds' ? '' : `{ queues: { ${QUEUE[kind]}: ${concurrency} } }`
  const isDefault = concurrency === 20 ? ', the default' : ''
  return {
    home: 'postbus',
    product: productOf(setup),
    name: nameOf(setup),
    configuration: `bus.worker(${said})${isDefault}, ${handlers === 1 ? 'a no-op handler' : `${handlers} no-op handlers`}, pool of 5`,
    async fill(connectionString, load) {
      const bus = busFor(connectionString, setup, () => undefined)
      await bus.migrate()
      for (const { start, keys } of listsOf(load, LIST)) {
        await bus.publish(keys.map((key, place) => anEvent(key, start + place, kind)))
      }
      await bus.close()
    },
    async open(connectionString) {
      const listener = { onHandled: (_order: Order) => {} }
      let ofHot = 0
      let ofOthers = 0
      const bus = busFor(connectionString, setup, (order) => {
        listener.onHandled(order)
        if (order.orderId === HOT_KEY) ofHot += 1
        else ofOthers += 1
      })
      const opened = bus.worker(options)
      await bus.ready()
      return {
        start(count: Count, onHandled) {
          listener.onHandled = onHandled
          Object.defineProperty(count, 'done', { get: () => opened.counts().done })
          Object.defineProperty(count, 'ofHot', { get: () => ofHot })
          Object.defineProperty(count, 'ofOthers', { get: () => ofOthers })
          void opened.start()
        },
        async stop() {
          await opened.stop()
          await bus.close()
        },
      }
    },
  }
}

/** Names the content of the filled database. It contains the cursors of log handlers, so other handlers need another one. */
function productOf({ kind, handlers = 1, readsLog = false }: Setup): string {
  return readsLog ? `postbus ${kind}, ${handlers} of the log` : `postbus ${kind}`
}

function nameOf(setup: Setup): string {
  const { kind, concurrency, handlers = 1, queueEach = false, readsLog = false, failsApartMs, retentionMs } = setup
  if (retentionMs) return `postbus, ${handlers} handlers, pruned after ${retentionMs / 1_000} s`
  if (failsApartMs) return `postbus, one handler of the log, 1% fail twice, ${failsApartMs} ms apart`
  if (readsLog) return `postbus, ${handlers === 1 ? 'one handler' : `${handlers} handlers`} of the log, ${kind}`
  if (kind === 'of both kinds') return `postbus, ${handlers} handlers${queueEach ? ' with a queue each' : ''}`
  if (handlers > 1) return `postbus, ${handlers} handlers, not pruned`
  return `postbus${kind === 'with keys' ? '' : ' without keys'}, ${concurrency} at once`
}

/** About 150 bytes. */
export function anEvent(key: string, place: number, kind: Kind = 'with keys'): Envelope {
  const withKey = kind === 'with keys' || (kind === 'of both kinds' && place % 2 === 0)
  return (withKey ? OrderChanged : OrderPlaced)(orderOf(key, place))
}

function busFor(
  connectionString: string,
  { handlers = 1, queueEach = false, readsLog = false, failsApartMs, retentionMs }: Setup,
  onHandled: OnHandled,
): Bus {
  const all = receivers(handlers).map((name) =>
    defineHandler(`bench.${name}`, {
      on: [OrderChanged, OrderPlaced],
      ...(queueEach && { queue: name }),
      ...(readsLog && { delivery: 'log' }),
      ...(failsApartMs && { backoff: () => failsApartMs }),
      handle({ data }, { attempt }) {
        onHandled(data)
        if (failsApartMs && data.total % 100 === 0 && attempt <= 2) throw new Error(`Attempt ${attempt} fails.`)
      },
    }),
  )
  return createBus({
    connectionString,
    handlers: all,
    queryTimeoutMs: 60_000,
    onSignal: printTrouble,
    ...(retentionMs && { retentionMs }),
  })
}

/** A bus that publishes for a contestant with one handler. */
export function publishingBus(connectionString: string, kind: Kind, readsLog = false): Bus {
  return busFor(connectionString, { kind, concurrency: 1, readsLog }, () => undefined)
}

/** A bus that publishes for `steady`. */
export function steadyBus(connectionString: string): Bus {
  return busFor(connectionString, { kind: 'of both kinds', concurrency: 20, handlers: 2 }, () => undefined)
}

/** A bus that publishes for `threeHandlers`, `prunedSoon` and `prunedSoonest`. */
export function prunedBus(connectionString: string): Bus {
  return busFor(connectionString, THREE, () => undefined)
}

function printTrouble({ level, name, message }: { level: string; name: string; message: string }): void {
  if (name !== 'attempt.failed' && (level === 'warn' || level === 'error'))
    process.stderr.write(`${name}: ${message}\n`)
}

const THREE = { kind: 'without keys', concurrency: 500, handlers: 3 } as const
export const threeHandlers = postbus(THREE)
export const prunedSoon = postbus({ ...THREE, retentionMs: 60_000 })
export const prunedSoonest = postbus({ ...THREE, retentionMs: 20_000 })

export const ourDefault = postbus({ kind: 'with keys', concurrency: 20 })
export const ourBest = postbus({ kind: 'with keys', concurrency: 200 })
export const plainDefault = postbus({ kind: 'without keys', concurrency: 20 })
export const plainBest = postbus({ kind: 'without keys', concurrency: 500 })
/** Publishes half of the events with keys, and handles each twice. */
export const steady = postbus({ kind: 'of both kinds', concurrency: 20, handlers: 2 })
export const idle = postbus({ kind: 'of both kinds', concurrency: 20, handlers: 5, queueEach: true })

export const logWithKeys = postbus({ kind: 'with keys', concurrency: 200, readsLog: true })
export const logWithoutKeys = postbus({ kind: 'without keys', concurrency: 200, readsLog: true })
export const logTen = postbus({ kind: 'with keys', concurrency: 200, handlers: 10, readsLog: true })
/** One event in a hundred fails twice. */
export const logFailingSoon = postbus({ kind: 'with keys', concurrency: 200, readsLog: true, failsApartMs: 200 })
export const logFailingLate = postbus({ kind: 'with keys', concurrency: 200, readsLog: true, failsApartMs: 2_000 })

export const contestants: readonly Contestant[] = [
  logWithKeys,
  logWithoutKeys,
  logTen,
  logFailingSoon,
  logFailingLate,
  ourDefault,
  ourBest,
  plainDefault,
  plainBest,
  steady,
  idle,
  threeHandlers,
  prunedSoon,
  prunedSoonest,
]
