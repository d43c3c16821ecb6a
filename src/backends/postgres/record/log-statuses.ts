/**
 * What became of events at all of their handlers: handlers with deliveries, and handlers that read the log. A cursor of the log shows whether
 * its handler has passed an event. An event that was passed, and for which no delivery is left, is done.
 */
import { interestIn } from '../../../attempt/log-interest.ts'
import type { Codec } from '../../../codec/codec.ts'
import type { LogEvent } from '../../../deliveries/log-reading.ts'
import type { Registry } from '../../../handlers/registry.ts'
import type { DeliveryStatus } from '../../../record/event-status.ts'
import type { Queryable } from '../connection.ts'
import { idOfDelivery } from '../deliveries/delivery-id.ts'
import { eventAs } from '../deliveries/names.ts'
import { eventsNumbered, hashOfEvent } from '../log/read-piece.ts'
import { subscriptions } from '../log/subscriptions.ts'
import type { Tables } from '../schema/tables.ts'
import { storedNameOf } from './log-reader.ts'
import { deliveriesOf, type Deliveries } from './statuses.ts'

interface Asked {
  readonly seqs: readonly string[]
  readonly registry: Registry
  readonly codec: Codec
}

/** Keyed by the seq of the event. */
export async function statusesOf(
  database: Queryable,
  tables: Tables,
  { seqs, registry, codec }: Asked,
): Promise<ReadonlyMap<string, Deliveries>> {
  const { names } = registry
  const known = await subscriptions(database, tables)
  const readers = registry.handlers.filter((handler) => known.has(storedNameOf(handler)))
  // Read before the deliveries: an event that a cursor has passed by then already has its delivery, if it needs one.
  const passed = readers.length === 0 ? new Map<string, ReadonlySet<string>>() : await passedBy(database, tables, seqs)
  const found = await deliveriesOf(database, tables, { seqs, names })
  if (readers.length === 0 || seqs.length === 0) return found

  const events = new Map((await eventsNumbered(database, tables, seqs)).map((event) => [event.seq, event]))
  return new Map(Array.from(found, ([seq, deliveries]) => [seq, withReaders(seq, deliveries)]))

  function withReaders(seq: string, given: Deliveries): Deliveries {
    const stored = events.get(seq)
    if (!stored) return given
    const event: LogEvent = eventAs(names, stored)
    const listed = new Set(given.deliveries.map(({ handler }) => handler))
    const read = readers.flatMap((handler): readonly DeliveryStatus[] => {
      const subscription = known.get(storedNameOf(handler))
      if (!subscription || listed.has(handler.name)) return []
      const wasRead = subscription.eras.some(({ after, upTo }) => event.number > after && event.number <= upTo)
      if (subscription.mode === 'job' && !wasRead) return []
      // The handler's cursors began after this event.
      if (!wasRead && !handler.options.backfill && event.number <= subscription.historyTo) return []
      const reading = registry.readingOf(handler, event)
      if (interestIn(event, { handler, subscription, reading, codec, emit: silent }) === 'none') return []
      const isPassed = wasRead || passed.get(storedNameOf(handler))?.has(seq) === true
      return [statusOf(handler.name, idOfDelivery(seq, storedNameOf(handler)), isPassed)]
    })
    return {
      deliveries: [...given.deliveries, ...read].toSorted((one, other) => (one.handler < other.handler ? -1 : 1)),
      isFinished: given.isFinished && read.every(({ state }) => state === 'done'),
    }
  }
}

function statusOf(handler: string, deliveryId: string, isPassed: boolean): DeliveryStatus {
  const nothing = { dueAt: null, startedAt: null, endedAt: null, reason: null, errors: [] }
  return isPassed
    ? { deliveryId, handler, state: 'done', attempts: 1, ...nothing }
    : { deliveryId, handler, state: 'waiting', attempts: 0, ...nothing }
}

/** Keyed by the stored names of handlers: the events that their cursors have passed. */
async function passedBy(
  database: Queryable,
  tables: Tables,
  seqs: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const { rows } = await database.query<{ handler: string; seq: string }>(
    `select one.handler, event.seq::text as seq from ${tables.event} event cross join ${tables.logHandler} one
    join ${tables.logCursor} cursor on cursor.handler = one.handler and cursor.shard = ${hashOfEvent('event')} % one.shards
    where event.seq = any($1::bigint[]) and cursor.position >= event.seq`,
    [seqs],
  )
  const byHandler = Map.groupBy(rows, ({ handler }) => handler)
  return new Map(Array.from(byHandler, ([handler, those]) => [handler, new Set(those.map(({ seq }) => seq))]))
}

function silent(): void {}
