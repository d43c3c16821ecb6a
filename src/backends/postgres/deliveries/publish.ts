/** Stores events and their deliveries with one call of the SQL function `publish`, in the caller's transaction or alone. */
import { ModesChanged, type PlannedEvent } from '../../../publishing/backend.ts'
import { LOG_WORD } from '../../../deliveries/log-reading.ts'
import { PostbusError } from '../../../errors.ts'
import { countReceivers, isFinisher } from '../../../handlers/finishers.ts'
import { retentionOf, storedTypeOf } from '../../../events/stored-as.ts'
import { queueOfEvent, storedName } from '../../../names.ts'
import { checkBatchSize, firstOfEachId } from '../../../publishing/batch.ts'
import type { PublishedEvent } from '../../../events/publish-result.ts'
import type { SqlExecutor } from '../../../transactions/open-transaction.ts'
import { functionName } from '../functions/sql.ts'
import { readTexts } from '../../../transactions/read-texts.ts'
import type { Tables } from '../schema/tables.ts'
import type { KnownModes } from './delivery-modes.ts'
import { handlerHash } from './handler-hash.ts'

/** The version of the call, which is sent to the SQL function. A function that does not know the number raises PB001. */
const PROTOCOL = 1
/** For events that are due later. A function that knows only version 1 would deliver them at once, and so must refuse them. */
const PROTOCOL_FOR_LATER = 2

interface Publishing {
  readonly inTransaction: boolean
  readonly modes: KnownModes
}

/**
 * Publishes in one round trip. With `inTransaction`, the database refuses to do so in autocommit.
 *
 * An event that is twice in the list is stored once. The second one is returned as a duplicate, as it would be in a later
 * call.
 *
 * @throws {ModesChanged} when the delivery mode of a handler has changed since the events were planned. Nothing was written.
 */
export async function publishEvents(
  executor: SqlExecutor,
  tables: Tables,
  events: readonly PlannedEvent[],
  { inTransaction, modes }: Publishing,
): Promise<readonly PublishedEvent[]> {
  const distinct = firstOfEachId(events)
  checkBatchSize(distinct)
  const statement = {
    text: `select ${functionName(tables, 'publish')}($1)::pg_catalog.text`, // many clients send it unprepared, and a short statement is planned faster
    values: [JSON.stringify(batchOf(distinct, inTransaction))],
  }
  const rows = await readTexts(executor, statement, publishedIn)
  if (rows[0] === ARE_PLANNED_BY_OLD_MODES) throw new ModesChanged(await modes.learn(executor, tables))
  const results = new Map(distinct.map((planned, index) => [planned, resultOf(planned, rows[index])]))
  return events.map((planned) => results.get(planned) ?? { id: planned.envelope.id, deliveries: 0, duplicate: true })
}

function batchOf(events: readonly PlannedEvent[], inTransaction: boolean) {
  const sets = new ReceiverSets()
  const rows = events.map((planned, ord) => rowOf(planned, ord, sets.of(planned)))
  const isRead = events.some((planned) => planned.isRead)
  const [{ due, epoch } = {}] = events // the same for all events of one call
  return {
    protocol: due ? PROTOCOL_FOR_LATER : PROTOCOL,
    in_transaction: inTransaction,
    events: rows,
    receivers: sets.receivers,
    wake: sets.wakeUp(isRead ? [LOG_WORD] : [], due !== undefined),
    ...(epoch && { epoch }),
    ...(sets.isPlain && !due && { plain: true }),
    ...(due && { later: 'at' in due ? { at: due.at.toISOString() } : { delay_ms: due.delayMs } }),
    ...(sets.finishes && { finishes: true }),
  }
}

/** Absent values are left out of the JSON: the function reads them as null. */
function rowOf({ envelope, payload }: PlannedEvent, ord: number, receivers: number | undefined) {
  return {
    ord,
    id: envelope.id,
    type: storedTypeOf(envelope),
    version: envelope.version,
    partition_key: envelope.partitionKey ?? undefined,
    payload,
    correlation_id: envelope.correlationId ?? undefined, // the default is its own id
    causation_id: envelope.causationId ?? undefined,
    caused_by_handler: envelope.causedByHandler ?? undefined,
    initialized_at: envelope.initializedAt?.toISOString(),
    source: envelope.source ?? undefined,
    metadata: metadataOf(envelope.metadata),
    occurred_at: envelope.occurredAt.toISOString(),
    expires_at: envelope.expiresAt?.toISOString(),
    retain_ms: retentionOf(envelope),
    receivers,
  }
}

function metadataOf(metadata: object): string | undefined {
  return Object.keys(metadata).length === 0 ? undefined : JSON.stringify(metadata)
}

interface Receiver {
  readonly set: number
  readonly handler: string
  readonly handler_hash: string
  readonly queue: string
  readonly priority: number
  /** Its deliveries may have to wait for a backfill. */
  readonly backfilled?: true
  /** A finisher, which publishes the event's `finishedEvent`: when the other deliveries have ended, or now, if there are none. It has no lane. */
  readonly finishes?: 'later' | 'now'
  /** Its deliveries are held until the worker that owns the shard releases them. They have no priority. */
  readonly held?: true
}

/** The receivers of a list of events. Most events have the same set of receivers, and each set is sent once. */
class ReceiverSets {
  readonly #sets = new Map<string, number>()
  readonly receivers: Receiver[] = []

  /** Returns the number of the event's set of receivers. */
  of({ envelope, handlers, isRead, held = [] }: PlannedEvent): number | undefined {
    if (handlers.length === 0) return undefined
    const names = handlers.map(({ name, previousNames }) => storedName(name, previousNames))
    const known = [envelope.partitionKey === null, isRead, held.length, ...names].join(' ')
    const number = this.#sets.get(known) ?? this.#sets.size
    if (number < this.#sets.size) return number

    this.#sets.set(known, number)
    for (const one of handlers) {
      const { name, previousNames, options } = one
      const handler = storedName(name, previousNames)
      const finishes = isFinisher(one) ? (handlers.length > 1 || isRead ? 'later' : 'now') : undefined
      this.receivers.push({
        set: number,
        handler,
        handler_hash: handlerHash(handler),
        queue: finishes ? options.queue : queueOfEvent(one, envelope.partitionKey),
        priority: held.includes(one) ? 0 : -options.priority, // pg-boss runs the larger number first
        ...(options.backfill && { backfilled: true }),
        ...(held.includes(one) && { held: true }),
        ...(finishes && { finishes }),
      })
    }
    return number
  }

  /** Whether all deliveries are due at once: these take less time to write. */
  get isPlain(): boolean {
    return this.receivers.every((one) => one.backfilled === undefined && one.finishes === undefined && !one.held)
  }

  get finishes(): boolean {
    return this.receivers.some(({ finishes }) => finishes === 'later')
  }

  /** Deliveries that are due later wake no worker: a poll finds them. */
  wakeUp(readers: readonly string[], isLater: boolean): string | null {
    const words = new Set([...(isLater ? [] : this.receivers.map(({ queue }) => queue)), ...readers])
    return words.size === 0 ? null : [...words].join(' ')
  }
}

const ARE_PLANNED_BY_OLD_MODES: PublishedEvent = { id: '', deliveries: -1, duplicate: false }

/** Reads one row of the result: what became of one event. The text is that of a row in Postgres, such as `(id,3,f)`. */
function publishedIn(text: string): PublishedEvent | undefined {
  if (text === '(,-1,)') return ARE_PLANNED_BY_OLD_MODES
  const [, id, deliveries, duplicate] = /^\(([0-9a-f-]{36}),(\d+),([tf])\)$/.exec(text) ?? []
  return id === undefined ? undefined : { id, deliveries: Number(deliveries), duplicate: duplicate === 't' }
}

function resultOf(planned: PlannedEvent, found: PublishedEvent | undefined): PublishedEvent {
  const { id } = planned.envelope
  if (found?.id !== id) throw incomplete(planned, 'nothing')
  const { deliveries, duplicate } = found
  if (!duplicate && deliveries !== planned.handlers.length) throw incomplete(planned, `${deliveries} deliveries`)
  return { id, deliveries: duplicate ? 0 : countReceivers(planned.handlers), duplicate }
}

function incomplete(planned: PlannedEvent, found: string): PostbusError {
  const { type, id } = planned.envelope
  return new PostbusError(
    'POSTBUS_PUBLISH_INCOMPLETE',
    `${type} ${id}: the database returned ${found}, expected ${planned.handlers.length} deliveries. Roll the transaction back, and run: npx postbus doctor`,
  )
}
