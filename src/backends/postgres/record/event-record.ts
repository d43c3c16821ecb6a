/** `bus.events` on Postgres: arguments are checked here, before any SQL. */
import { PostbusError } from '../../../errors.ts'
import { isEventId } from '../../../events/event-id.ts'
import { missingUpcast } from '../../../events/upcasts.ts'
import type { AnyEventType } from '../../../handlers/listens-to.ts'
import { asRead, type Reading } from '../../../handlers/reading.ts'
import { isEventType, type EventType } from '../../../events/event.ts'
import { parseOptions } from '../../../parse-options.ts'
import { eventFilter, eventQuery, type CheckedEventFilter } from '../../../record/event-query.ts'
import type { EventRecord } from '../../../record/events.ts'
import type { RecordedEvent } from '../../../record/recorded-event.ts'
import { tailQuery } from '../../../record/tail-query.ts'
import { waitOptions } from '../../../record/wait-options.ts'
import { operating } from '../operating/operating.ts'
import { countByType, countEvents } from './counts.ts'
import { waitsOn, type EndParts } from './ends.ts'
import { eventWithId } from './event-rows.ts'
import { listEvents } from './list.ts'
import { recordedEvent } from './recorded-row.ts'
import { storedTypes } from './stored-types.ts'
import { statusesOf } from './log-statuses.ts'
import { tailOf } from './tail.ts'
import { treeOf } from './tree.ts'

export function eventsIn(parts: EndParts): EventRecord & { close(): Promise<void> } {
  const { connection, tables, codec, registry } = parts
  const waits = waitsOn(parts)
  const { look } = operating(connection, tables)

  async function get(given: string | EventType, typedId?: string): Promise<RecordedEvent | null> {
    const kind = isEventType(given) ? given : null
    const id = checkedId('get', kind ? typedId : given)
    const { names } = await registry.load()
    const row = await look((pool) => eventWithId(pool, tables, id))
    const event = row && recordedEvent(row, codec, names)
    return event && kind ? asKind(event, kind, (await registry.load()).eventTypes) : event
  }

  return {
    get,
    async list(given = {}) {
      const query = parseOptions('events.list()', eventQuery, given)
      const { names, stored } = await asStored(query)
      const { rows, cursor } = await look((pool) => listEvents(pool, tables, stored))
      return { events: rows.map((row) => recordedEvent(row, codec, names)), cursor }
    },
    async count(given = {}) {
      const filter = parseOptions('events.count()', eventFilter, given)
      const { stored } = await asStored(filter)
      return look((pool) => countEvents(pool, tables, stored))
    },
    async countByType(given = {}) {
      const filter = parseOptions('events.countByType()', eventFilter, given)
      const { names, stored } = await asStored(filter)
      const counts = await look((pool) => countByType(pool, tables, stored))
      return Object.fromEntries(Object.entries(counts).map(([type, count]) => [names.eventTypes.shown(type), count]))
    },
    tail: (given = {}) =>
      tailOf({ connection, tables, codec, registry }, parseOptions('events.tail()', tailQuery, given)),
    async tree(given) {
      const id = checkedId('tree', given)
      const { names } = await registry.load()
      return look((pool) => treeOf(pool, tables, { id, recorded: (row) => recordedEvent(row, codec, names) }))
    },
    async status(given) {
      const id = checkedId('status', given)
      const known = await registry.load()
      const { names } = known
      return look(async (pool) => {
        const row = await eventWithId(pool, tables, id)
        const found = row && (await statusesOf(pool, tables, { seqs: [row.seq], registry: known, codec })).get(row.seq)
        return row && found ? { event: recordedEvent(row, codec, names), ...found } : null
      })
    },
    async whenFinished(given, how = {}) {
      const id = checkedId('whenFinished', given)
      return waits.until(id, parseOptions('events.whenFinished()', waitOptions, how))
    },
    close: () => waits.close(),
  }

  /** The query with stored names. If its handler is known, `types` narrows down the search to what the handler listens to. */
  async function asStored<Query extends CheckedEventFilter>({ type, ...query }: Query) {
    const known = await registry.load()
    const { names } = known
    const { handler } = query
    const stored = {
      ...query,
      ...(handler !== undefined && { handler: names.handlers.stored(handler) }),
      ...(type !== undefined && { like: storedTypes(known, [type]) }),
    }
    const subscriptions = handler === undefined ? [] : (known.handlerNamed(handler)?.subscriptions ?? [])
    const types = subscriptions.flatMap((one) => (one.is === 'event-type' ? [names.eventTypes.stored(one.type)] : []))
    const isNarrow = type === undefined && types.length > 0 && types.length === subscriptions.length
    return { names, stored: isNarrow ? { ...stored, types } : stored }
  }
}

/** Returns the event in the version of this event type; `null` when it has another type, or cannot be upcast to that version. */
function asKind(event: RecordedEvent, kind: AnyEventType, known: readonly AnyEventType[]): RecordedEvent | null {
  if (event.type !== kind.type) return null
  if (event.isRaw) return event
  const { isUnparsed, ...recorded } = event
  if (event.version === kind.version) return isUnparsed ? as({ is: 'as-stored', of: kind }, recorded) : event
  if (event.version > kind.version || missingUpcast(kind, event.version) !== null) return null
  const of = known.find(({ type, version }) => type === event.type && version === event.version)
  return as({ is: 'upcast', to: kind, ...(of && { of }) }, recorded)
}

function as(reading: Reading, event: RecordedEvent): RecordedEvent {
  return { ...event, ...asRead(reading, event) }
}

function checkedId(what: string, id: unknown): string {
  if (typeof id === 'string' && isEventId(id)) return id.toLowerCase()
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `events.${what}(): ${JSON.stringify(id)} is no event's id: expected a UUID, such as event.id.`,
  )
}
