/** Postbus: publish a typed event inside your own Postgres transaction; workers run its handlers, and retry them. */
export { createBus, type Bus } from './bus.ts'
export { defineEvent, type EventDefinition, type EventOf, type EventType } from './event.ts'
export { defineHandler, type EventFor, type Handler, type HandlerDefinition, type HandlerOptions } from './handler.ts'
export type { AnyEventType, AnyHandler, On } from './handler.ts'
export type { HandlerContext } from './handler-context.ts'
export { discard, failed, snooze, type Discard, type Failed, type Snooze, type SnoozeFor } from './outcome.ts'
export type { Backoff, BackoffFunction } from './backoff.ts'
export type { Envelope, EventOptions, Metadata, MetadataValue } from './envelope.ts'
export type { PublishedEvent, PublishOptions, PublishResult } from './publish.ts'
export type { Transaction } from './transaction.ts'
export type { Handlers, HandlerSet } from './registry.ts'
export type { Subscription } from './subscription.ts'
export type { BusOptions, WorkerOptions } from './options.ts'
export type { StopReport, Worker } from './worker/worker.ts'
export type { Counts } from './worker/tally.ts'
export type { Finding, MigrateOptions, MigrateReport } from './operations.ts'
export type { Lane, LaneName, LanePage, Lanes } from './operations.ts'
export type { DeadLetter, DeadLetterFilter, DeadLetterPage, DeadLetters } from './operations.ts'
export type { AttemptError } from './backend.ts'
export type { CustomCodec } from './codec.ts'
export {
  printSignals,
  type Log,
  type Signal,
  type SignalLevel,
  type SignalListener,
  type SignalName,
} from './signals.ts'
export { PostbusError, type PostbusErrorCode } from './errors.ts'
