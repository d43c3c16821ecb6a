/** The names of everything that we use in the database, quoted in one place, after the names of the schemas were checked. */
import type { SchemaNames } from '../../../../migrations/schema-names.ts'
import { PostbusError } from '../../../errors.ts'
import { SCHEMA_NAME } from '../../../names.ts'

export interface Tables {
  readonly names: SchemaNames
  readonly event: string
  readonly eventSeq: string
  readonly deadLetter: string
  readonly worker: string
  readonly pruning: string
  readonly migration: string
  /** The queues that hold our deliveries. */
  readonly ownQueue: string
  /** The numbers of handlers in the history. */
  readonly handler: string
  /** What handlers did in each minute. */
  readonly handlerMinute: string
  readonly history: string
  readonly historyTurn: string
  readonly laneSweep: string
  readonly serverLife: string
  readonly eventType: string
  readonly lookup: string
  readonly logPlace: string
  readonly logChunk: string
  /** The handlers that read the log, the positions of their shards, and the workers that read. */
  readonly logHandler: string
  readonly logCursor: string
  readonly logReader: string
  /** The streams of an engine, and erased events that a stream may still contain. */
  readonly logStream: string
  readonly logErasure: string
  /** A sequence that counts the changes of delivery modes. */
  readonly deliveryEpoch: string
  readonly pace: string
  readonly watch: string
  readonly schedule: string
  /** The events that get a `finishedEvent` when they have ended. */
  readonly finish: string
  readonly replay: string
  readonly backfill: string
  /** Deliveries that transactional handlers have committed as complete, until they are settled or a cursor has passed them. */
  readonly completion: string
  /** What SQL may publish: the services that registered it, their former registrations, the event types, and the handlers that get them. */
  readonly registry: string
  readonly formerRegistry: string
  readonly registeredType: string
  readonly subscription: string
  /** The acts of operators. */
  readonly act: string
  /** The handlers, queues and lanes that are paused. */
  readonly pause: string
  /** All of pg-boss's jobs, including jobs of other applications. */
  readonly job: string
  /** The partition of `job` that holds all our deliveries. A row that is locked in it can be updated by its ctid. */
  readonly delivery: string
  readonly queue: string
  readonly pgbossVersion: string
  /** pg-boss's clock at the transaction's start: the database's time, or the time that a test has set. */
  readonly jobNow: string
  /** The same clock at this moment. */
  readonly clock: string
  readonly seqOfDelivery: string
  /** The channel on which publishers wake workers. */
  readonly channel: string
  /** The channel that tells processes which wait for an event that a delivery of it has ended. */
  readonly endChannel: string
  /** Broadcast messages that are too long for a notification. */
  readonly broadcast: string
  /** The channel on which processes hear broadcasts. */
  readonly broadcastChannel: string
}

/** pg-boss's table for the jobs of all queues that have no table of their own. */
export const DELIVERY_TABLE = 'job_common'

export function tablesIn(names: SchemaNames): Tables {
  for (const name of [names.postbus, names.pgboss]) {
    if (SCHEMA_NAME.test(name)) continue
    const expected = `expected ${SCHEMA_NAME.source}`
    throw new PostbusError(
      'POSTBUS_INVALID_OPTIONS',
      `Schema name ${JSON.stringify(name)} is not allowed: ${expected}.`,
    )
  }
  const ours = (name: string) => `"${names.postbus}".${name}`
  const theirs = (name: string) => `"${names.pgboss}".${name}`
  return Object.freeze({
    names,
    event: ours('event'),
    eventSeq: ours('event_seq_seq'),
    deadLetter: ours('dead_letter'),
    worker: ours('worker'),
    pruning: ours('pruning'),
    migration: ours('migration'),
    ownQueue: ours('queue'),
    handler: ours('handler'),
    handlerMinute: ours('handler_minute'),
    history: ours('history'),
    historyTurn: ours('history_turn'),
    laneSweep: ours('lane_sweep'),
    serverLife: ours('server_life'),
    eventType: ours('event_type'),
    lookup: ours('lookup'),
    logPlace: ours('log_place'),
    logChunk: ours('log_chunk'),
    logHandler: ours('log_handler'),
    logCursor: ours('log_cursor'),
    logReader: ours('log_reader'),
    logStream: ours('log_stream'),
    logErasure: ours('log_erasure'),
    deliveryEpoch: ours('delivery_epoch'),
    pace: ours('pace'),
    watch: ours('watch'),
    schedule: ours('schedule'),
    finish: ours('finish'),
    replay: ours('replay'),
    backfill: ours('backfill'),
    completion: ours('completion'),
    registry: ours('registry'),
    formerRegistry: ours('former_registry'),
    registeredType: ours('registered_type'),
    subscription: ours('subscription'),
    act: ours('act'),
    pause: ours('pause'),
    job: theirs('job'),
    delivery: theirs(DELIVERY_TABLE),
    queue: theirs('queue'),
    pgbossVersion: theirs('version'),
    jobNow: theirs('job_now()'),
    clock: `(clock_timestamp() + (${theirs('job_now()')} - now()))`,
    seqOfDelivery: ours('seq_of_delivery'),
    channel: `postbus_${names.postbus}`,
    endChannel: `postbus_${names.postbus}_end`,
    broadcast: ours('broadcast'),
    broadcastChannel: `postbus_${names.postbus}.all`, // a schema name has no dot, so no other channel has this name
  })
}
