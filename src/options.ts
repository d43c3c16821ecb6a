/**
 * Every option of a bus and of a worker, declared once: type, limits, default and description. The tables of the docs are printed from this
 * file.
 */
import { z } from 'zod'
import { NAME, QUEUE_NAME, SCHEMA_NAME } from './names.ts'
import type { EventTypes } from './handlers/event-types.ts'
import { problemsOf } from './middleware/check-middleware.ts'
import type { Middleware } from './middleware/middleware.ts'
import type { Handlers } from './handlers/registry.ts'
import type { ScheduleSet } from './schedules/schedule.ts'
import type { BusSignalListener } from './signals.ts'
import type { CustomCodec } from './codec/codec.ts'
import type { RunTransactionOf } from './transactions/register.ts'
import type { PublishTransaction } from './transactions/transaction.ts'
import { atMostOneConnection, connectionOptions } from './connection-options.ts'
import type { LogEngine } from './deliveries/log-engine.ts'
import type { TenantList } from './tenants/tenant-list.ts'

const functionLike = (value: unknown) => typeof value === 'function'
const setOrFunction = (value: unknown) => (typeof value === 'object' && value !== null) || functionLike(value)

const isEngine = (value: unknown) => setOrFunction(value) && functionLike((value as Partial<LogEngine>).open)

export const busOptions = z
  .strictObject({
    ...connectionOptions,
    events: z
      .custom<EventTypes>(setOrFunction, 'expected event types')
      .default([])
      .describe(
        'An array of event types, a module that exports them, or a function that imports one. The bus knows the types that its handlers list. Add the types to which handlers listen only by patterns.',
      ),
    handlers: z
      .custom<Handlers>(setOrFunction, 'expected handlers')
      .default([])
      .describe('An array of handlers, a module that exports them, or a function that imports one.'),
    schedules: z
      .custom<ScheduleSet>((value) => typeof value === 'object' && value !== null, 'expected schedules')
      .default([])
      .describe('An array of schedules, or a module that exports them: what `defineSchedule` returns.'),
    backend: z
      .enum(['postgres', 'inline', 'mailbox', 'strict'])
      .default('postgres')
      .describe(
        'Where events go. `inline`: handlers run inside `publish`, for seeds and scripts. `mailbox`: remembered, no handler is called. `strict`: the same, for tests that must assert every event. These three keep everything in memory.',
      ),
    schema: z
      .string()
      .regex(SCHEMA_NAME)
      .default('postbus')
      .describe('The database schema for events and dead letters.'),
    pgbossSchema: z
      .string()
      .regex(SCHEMA_NAME)
      .default('pgboss')
      .describe('The database schema of pg-boss, where deliveries are its jobs. Each `schema` needs one of its own.'),
    tenants: z
      .custom<TenantList>(functionLike, 'expected a function')
      .optional()
      .describe(
        'Returns the names of the schemas of all tenants, for an application that has a schema or a database for each. `bus.tenants` and the command line work on those, and no longer on `schema`.',
      ),
    source: z.string().min(1).max(512).optional().describe('Names this program in every event it publishes.'),
    service: z
      .string()
      .regex(NAME)
      .default('main')
      .describe(
        'Whose event types and handlers `migrate` registers for SQL publishers. Services that share a schema need a name each.',
      ),
    ttlMs: z
      .int()
      .min(1)
      .max(36_500 * 86_400_000)
      .optional()
      .describe('How long events are of interest that have no `ttlMs` of their own, in milliseconds. Default: always.'),
    transaction: z
      .custom<RunTransactionOf>(functionLike, 'expected a function')
      .optional()
      .describe(
        'Runs work in a transaction of your own client: `(work) => db.transaction().execute(work)`. Handlers with `transactional: true` run in it, and so does a publish without `tx` of an event that has a handler with `runs: ‘in-transaction’`.',
      ),
    currentTransaction: z
      .custom<() => PublishTransaction | null | undefined>(functionLike, 'expected a function')
      .optional()
      .describe(
        'Returns the open transaction in which the caller is, from an AsyncLocalStorage, say: a `publish` without `tx` belongs to it. `undefined` or `null` outside of any.',
      ),
    requireTransaction: z
      .boolean()
      .default(false)
      .describe(
        "Whether a `publish` outside of any transaction is an error that names its line. `{ tx: 'own' }` says that it is meant.",
      ),
    createId: z
      .custom<() => string>(functionLike, 'expected a function')
      .optional()
      .describe(
        'Makes the ids of events that are given none: a UUID each. Called when an event is published: `publish` returns that id, and the event that you hold keeps the one it was made with. Default: UUIDv7, made with the event.',
      ),
    codecs: z
      .custom<readonly CustomCodec[]>(Array.isArray, 'expected an array of codecs')
      .default([])
      .describe('Codecs for your own classes in event data: `{ name, is, encode, decode }`.'),
    maxPayloadBytes: z
      .int()
      .min(1_024)
      .max(64 * 1_048_576)
      .default(1_048_576)
      .describe('Largest encoded data of one event. Store large content elsewhere, and publish where it is.'),
    retentionMs: z
      .int()
      .min(1_000)
      .max(3_650 * 86_400_000)
      .nullable()
      .default(30 * 86_400_000)
      .describe(
        'How long an event stays after its last delivery has finished, in milliseconds (the default is 30 days); its deliveries go with it. `null`: it stays.',
      ),
    vacuum: z
      .boolean()
      .default(true)
      .describe(
        'Whether workers vacuum the table of deliveries every few seconds, so that claims stay fast. It takes a role that owns the table; others leave it to autovacuum.',
      ),
    middleware: z
      .custom<readonly Middleware[]>(Array.isArray, 'expected an array of { name, publish, handle }')
      .superRefine((given, context) => problemsOf(given).forEach((problem) => context.addIssue(problem)))
      .default([])
      .describe(
        'Hooks around every publish and every attempt, the outermost first: `{ name, publish(publishing, next), handle(handling, next) }`.',
      ),
    engine: z
      .custom<LogEngine>(isEngine, 'expected an engine, such as `jetStream({ servers })` of postbus/jetstream')
      .optional()
      .describe(
        'Another system from which workers read the events of handlers with `delivery: ‘log’`: `jetStream({ servers })`. Default: they read from Postgres.',
      ),
    onSignal: z
      .custom<BusSignalListener>(functionLike, 'expected a function')
      .optional()
      .describe(
        'Receives what the bus reports (warnings, dead letters, …). Default: prints level `info` and above to stderr.',
      ),
  })
  .superRefine(atMostOneConnection)

export const workerOptions = z.strictObject({
  queues: z
    .record(z.string().regex(QUEUE_NAME), z.int().min(1).max(10_000))
    .optional()
    .describe(
      'Queues to work on, each with how many handlers may run at once. Default: every queue of the handlers, 20 each.',
    ),
  shutdownGraceMs: z
    .int()
    .min(0)
    .max(3_600_000)
    .default(30_000)
    .describe('How long `stop()` waits for running handlers before their deliveries are given back.'),
  pollMs: z
    .int()
    .min(50)
    .max(60_000)
    .default(2_000)
    .describe('How often to look for due deliveries when nothing wakes the worker, in milliseconds.'),
})

export const drainOptions = workerOptions.omit({ pollMs: true }).extend({
  timeLimitMs: z
    .int()
    .min(1)
    .max(86_400_000)
    .optional()
    .describe(
      'After this many milliseconds nothing more is begun; what runs gets `shutdownGraceMs` to end. Default: no limit.',
    ),
})

export type DrainOptions = z.input<typeof drainOptions>
export type BusOptions = z.input<typeof busOptions>
/** A bus's options with every default filled in. */
export type Settings = z.output<typeof busOptions>
export type WorkerOptions = z.input<typeof workerOptions>
