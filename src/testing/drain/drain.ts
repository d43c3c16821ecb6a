/**
 * Draining: runs everything that is due until nothing is left, with the claim, handler and settle steps of a worker. A test
 * publishes, drains, and looks at what its handlers did. It does not wait, poll or sleep.
 */
import { z } from 'zod'
import type { Bus } from '../../bus.ts'
import { queuesToWork } from '../../worker/queues-to-work.ts'
import { PostbusError } from '../../errors.ts'
import { workerOptions } from '../../options.ts'
import { parseOptions } from '../../parse-options.ts'
import type { Registry } from '../../handlers/registry.ts'
import type { PublishTransaction } from '../../transactions/transaction.ts'
import type { DeliveryStore } from '../../deliveries/delivery-store.ts'
import { attemptsWith } from '../../attempt/attempts.ts'
import type { AttemptParts } from '../../attempt/run-attempt.ts'
import { slotsOfQueues } from '../../worker/handler-slots.ts'
import { transactionalIn } from '../../worker/transactional-handlers.ts'
import type { WorkerCounts } from '../../worker/tally.ts'
import { busUnderTest, type DatabaseBus } from '../database/current-bus.ts'
import { dueRun } from './due-run.ts'
import { withTheLog } from './with-the-log.ts'
import { withoutGates } from './without-gates.ts'
import { endlessness, type Endlessness } from './endlessness.ts'
import { inside, transactionRun, type Inside } from './in-transaction.ts'
import { state } from '../state.ts'
import { testClock, type TestClock } from '../time/test-clock.ts'
import { millisecondsIn, timeSpan, type TimeSpan } from '../time/time-span.ts'

export interface DrainOptions {
  /** The bus whose deliveries are run. Default: the bus of the test's `testDatabase()`. */
  readonly bus?: Bus | undefined
  /** Moves time forward to the next waiting retry or snooze and runs it, again and again, until nothing waits any more. */
  readonly withRetries?: boolean | undefined
  /** Moves time forward too, but not beyond this time. At the end the clock is at this time. A length of time counts from now. */
  readonly until?: Date | TimeSpan | undefined
  /** Works inside this open transaction, and sees the events published in it. A rollback undoes the whole drain. */
  readonly tx?: PublishTransaction | undefined
  /** The queues to work on: name → how many handlers may run at once. With `tx` that is always one. Default: all, 20 each. */
  readonly queues?: Readonly<Record<string, number>> | undefined
  /** A drain with more attempts than this counts as endless. Default: 10,000. */
  readonly maxAttempts?: number | undefined
}

const drainOptions = z.strictObject({
  bus: z.custom<Bus>().optional(),
  withRetries: z.boolean().default(false),
  until: z.union([z.date(), timeSpan]).optional(),
  tx: z.custom<PublishTransaction>().optional(),
  queues: workerOptions.shape.queues,
  maxAttempts: z.int().min(1).default(10_000),
})

/**
 * Runs every delivery that is due, including deliveries that handlers publish meanwhile. Returns how many attempts ended in which
 * way: `done`; `failed` (will be retried); `dead` (the last attempt of a dead letter); `snoozed` (also if put back for another
 * deploy). A delivery that fails twice and then succeeds counts three times.
 *
 * A failing handler does not make the drain fail: look at the counts, or at `bus.deadLetters`. With `withRetries` or `until`
 * the clock stays where the drain has moved it.
 *
 * @example expect(await drainEvents({ withRetries: true })).toMatchObject({ done: 1, dead: 0 })
 *
 * @throws {PostbusError} `POSTBUS_DRAIN_ENDLESS`, with the handler's name, when the drain would not end; `POSTBUS_NO_TEST_BUS`;
 * `POSTBUS_NOT_A_TEST_DATABASE` when the drain would have to move time there; `POSTBUS_MODE_IS_NOT_LIVE` when the test's events
 * are not stored; `POSTBUS_SCHEMA_MISSING`, `POSTBUS_QUEUE_MISSING` and the like.
 */
export async function drainEvents(options: DrainOptions = {}): Promise<WorkerCounts> {
  const settings = parseOptions('drainEvents()', drainOptions, options)
  const parts = busUnderTest(settings.bus)
  const registry = await parts.registry.load()
  const queues = queuesToWork(registry.queues, settings.queues)
  const within = settings.tx === undefined ? null : { ...inside(settings.tx, parts), tx: settings.tx }
  const given = withoutGates(within?.store ?? parts.backend.store, registry.handlers)
  const store = withTheLog(given, { ...parts, registry })

  const transactional = within ? [] : transactionalIn(registry, parts.transaction)
  await store.prepare([...queues.keys()], registry.shadows, transactional)
  const limit = endlessness(settings.maxAttempts)
  const due = within
    ? runInside({ ...within, store }, { parts, registry, queues: [...queues.keys()], endlessness: limit })
    : dueRun({
        store,
        queues,
        slotsOf: slotsOfQueues(registry.handlers),
        emit: parts.emit,
        endlessness: limit,
        goesAlone: (handler) =>
          transactional.includes(handler) || registry.handlerNamed(handler)?.options.coalesce !== undefined,
        ...attemptsWith({ ...parts, registry, ...reading(store), completions: store.completions }),
      })

  if (!settings.withRetries && settings.until === undefined) {
    await due.run()
    return checked(due.counts())
  }
  const clock = await testClock(parts.backend, within?.database)
  const until = await timeOf(settings.until, clock)
  let lookedAt: Date
  do {
    lookedAt = await clock.now()
    await due.run()
  } while (await clock.toNextDue([...queues.keys()], { lookedAt, until }))
  if (until !== null && (await clock.now()) < until) await clock.set(until)
  return checked(due.counts())
}

/** A drain that finds nothing, in a test whose events do not reach the database, is a mistake. */
function checked(counts: WorkerCounts): WorkerCounts {
  const mode = state.current.getStore()?.mode ?? 'live'
  if (mode === 'live' || Object.values(counts).some((count) => count > 0)) return counts
  throw new PostbusError(
    'POSTBUS_MODE_IS_NOT_LIVE',
    `drainEvents() found nothing to do, and this test is in mode '${mode}', in which events are not stored. Begin it with: ` +
      "setEventBusMode('live')",
  )
}

interface InsideRunParts {
  readonly parts: DatabaseBus
  readonly registry: Registry
  readonly queues: readonly string[]
  readonly endlessness: Endlessness
}

/** Events that a handler publishes through its context belong to the transaction, and are drained with the rest. */
function runInside(within: Inside & { readonly tx: PublishTransaction }, { parts, registry, ...rest }: InsideRunParts) {
  const { codec, emit, publish, middleware } = parts
  const { store, tx } = within
  const attempts = attemptsWith({ registry, codec, emit, publish, middleware, tx, ...reading(store) })
  return transactionRun({ ...within, ...rest, emit, ...attempts })
}

/** The functions of the store that attempts call. */
function reading(store: DeliveryStore): Pick<AttemptParts, 'payloadOf' | 'deliveriesOf' | 'supersede'> {
  return {
    payloadOf: (event) => store.payloadOf(event),
    deliveriesOf: (event) => store.deliveriesOf(event),
    supersede: (delivery) => store.supersede(delivery),
  }
}

/** A length of time counts from the start of the drain. */
async function timeOf(until: Date | TimeSpan | undefined, clock: TestClock): Promise<Date | null> {
  if (until === undefined || until instanceof Date) return until ?? null
  const ms = millisecondsIn('drainEvents({ until })', until)
  return new Date((await clock.now()).getTime() + ms)
}
