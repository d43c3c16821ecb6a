/** Postbus: publish a typed event inside your own Postgres transaction; workers run its handlers, and retry them. */
export { createBus, type Bus } from './bus.ts'
export { defineEvent, type EndedDelivery, type EventDefinition, type EventOf, type EventType } from './events/event.ts'
export { upcast, type Upcasts } from './events/upcasts.ts'
export type { Upcast } from './events/event-details.ts'
export { defineHandler, type Handler, type HandlerDefinition } from './handlers/handler.ts'
export type { HandlerOptions } from './handlers/handler-options.ts'
export type { AnyHandler } from './handlers/handler.ts'
export { defineBatchHandler, type BatchHandler, type BatchHandlerDefinition } from './handlers/batch-handler.ts'
export type {
  BatchContext,
  BatchContextFor,
  BatchDelivery,
  Batching,
  BatchOutcomes,
  BatchPublishOptions,
  TransactionalBatchContext,
} from './handlers/batching.ts'
export { shadow } from './handlers/shadow.ts'
export type {
  AnyEventType,
  EventFor,
  HandledEvent,
  Listening,
  ListensTo,
  Pattern,
  Shadow,
  ShadowEvent,
} from './handlers/listens-to.ts'
export {
  defineSchedule,
  type Schedule,
  type ScheduleDefinition,
  type ScheduleSet,
  type Tick,
} from './schedules/schedule.ts'
export type { Missed } from './schedules/ticks.ts'
export type { HandlerContext } from './handlers/handler-context.ts'
export type { ContextFor, Runs, TransactionalContext } from './handlers/transactional.ts'
export {
  awaitCompletion,
  discard,
  failed,
  skip,
  snooze,
  type AwaitCompletion,
  type Discard,
  type Failed,
  type Skip,
  type Snooze,
  type SnoozeFor,
} from './handlers/outcome.ts'
export type { Backoff, BackoffFunction } from './handlers/backoff.ts'
export type { Envelope, EventOptions, EventMetadata, EventMetadataValue } from './events/envelope.ts'
export type { PublishedEvent, PublishOptions, PublishResult } from './events/publish-result.ts'
export { durationMs } from './events/duration.ts'
export type { BlockResult, InputOf, ResultOptions } from './publishing/result-publisher.ts'
export { defineSource, type Source, type SourceDefinition } from './publishing/source.ts'
export type { Received, Receiver } from './publishing/receiver.ts'
export type { ExplainedHandler, ListeningHandler } from './deliveries/explain.ts'
export type { Broadcasts, ListenOptions, MissedBroadcasts, StopListening } from './broadcast/broadcasts.ts'
export type { PublishContext } from './publishing/trace.ts'
export type { PublishTransaction } from './transactions/transaction.ts'
export type {
  BatchHandling,
  Handling,
  Middleware,
  NextHandle,
  NextPublish,
  PublishChanges,
  Publishing,
} from './middleware/middleware.ts'
// With `*`, because an application cannot extend an interface that is re-exported by its name.
export type * from './transactions/register.ts'
export type { DatabaseOptions } from './tenants/database-options.ts'
export type { Tenant, TenantBus, TenantList } from './tenants/tenant-list.ts'
export type { TenantMigration, Tenants, TenantsMigrateOptions } from './tenants/tenants.ts'
export type { TenantsWorkerOptions } from './tenants/tenants-options.ts'
export type { TenantsWorker } from './tenants/tenants-worker.ts'
export type { Handlers, HandlerSet } from './handlers/registry.ts'
export type { EventTypes, EventTypeSet } from './handlers/event-types.ts'
export type { Subscription } from './handlers/subscription.ts'
export type { BusOptions, DrainOptions, WorkerOptions } from './options.ts'
export type { StopReport } from './worker/stop-report.ts'
export type { Worker } from './worker/worker.ts'
export type { WorkerHttp, WorkerHttpOptions } from './worker/http.ts'
export type { DrainReport } from './worker/drain-within.ts'
export type { WorkerCounts } from './worker/tally.ts'
export type {
  DoctorFinding,
  DoctorOptions,
  MigrateOptions,
  MigrateReport,
  PruneOptions,
  PruneReport,
} from './deliveries/operations.ts'
export type {
  BlockedLanes,
  Lane,
  LaneFilter,
  LaneName,
  LanePage,
  LaneQuery,
  Lanes,
  LaneState,
  RewindTo,
} from './deliveries/lanes.ts'
export type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterPage,
  DeadLetterQuery,
  DeadLetters,
  DeadLetterSelection,
} from './deliveries/dead-letters.ts'
export type { ExportedEvent, ImportReport, EventTransfer } from './deliveries/exported-events.ts'
export type { LogFilter } from './deliveries/log-filter.ts'
export type { Log, LogMoveTo, LogProgress } from './deliveries/log-cursors.ts'
export type {
  BeginReplay,
  Replay,
  ReplayPreview,
  ReplayProgress,
  ReplayQuery,
  ReplayResumption,
  Replays,
  ReplayState,
} from './deliveries/replays.ts'
export type {
  ActName,
  ActOptions,
  ActReport,
  BatchActOptions,
  PacedActOptions,
  PreviewedActOptions,
} from './deliveries/acts.ts'
export type { DeleteReport, EventActs, EventSelection, RedactOptions } from './record/event-acts.ts'
export type { RunningWorker, WorkedQueue } from './deliveries/workers.ts'
export type { BacklogOptions, BacklogReport, HandlerBacklog, LogLag } from './deliveries/backlog.ts'
export type { PublishableType, PublishableTypes } from './deliveries/publishable-types.ts'
export type { HandlerRates, RateCounts, RatePoint, RateQuery, RateReport } from './deliveries/rates.ts'
export type { Percentiles } from './deliveries/histogram.ts'
export type { CompletionOptions, CompletionReport, Deliveries, SkipOptions } from './deliveries/completions.ts'
export type { RunOptions, Schedules, ScheduleStatus } from './deliveries/schedules.ts'
export type { CancelOptions, CancelReport } from './deliveries/cancelling.ts'
export type { Pausable, Pause, PausePage } from './deliveries/pauses.ts'
export type { ActFilter, ActPage, ActQuery, Acts, RecordedAct } from './deliveries/act-log.ts'
export type { PageOptions } from './deliveries/page.ts'
export type { DeliveryState } from './deliveries/delivery-state.ts'
export type { AttemptError } from './deliveries/delivery.ts'
export type { CustomCodec } from './codec/codec.ts'
export {
  printSignals,
  type BusName,
  type HandlerLog,
  type BusSignal,
  type BusSignalLevel,
  type BusSignalListener,
  type BusSignalName,
} from './signals.ts'
export { consoleLog, jsonLog, pinoLog, type ConsoleLogger, type ObjectLogger } from './signal-logs.ts'
export { PostbusError, type PostbusErrorCode } from './errors.ts'
export type { EventRecord } from './record/events.ts'
export type { EventBranch, EventFilter, EventPage, EventQuery, EventState, EventTree } from './record/event-query.ts'
export type { DeliveryStatus, EventStatus } from './record/event-status.ts'
export type { RecordedEvent } from './record/recorded-event.ts'
export type { TailQuery } from './record/tail-query.ts'
export type { WaitOptions } from './record/wait-options.ts'
