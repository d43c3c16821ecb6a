/** `bus.events` on Postgres: what is asked for is checked here, before any SQL. */
import { PostbusError } from '../../../errors.ts'
import { isEventId } from '../../../events/event-id.ts'
import { isEventType, type EventType } from '../../../events/event.ts'
import type { LazyRegistry } from '../../../handlers/lazy-registry.ts'
import { parseOptions } from '../../../parse-options.ts'
import { eventFilter, eventQuery, type CheckedEventFilter, type EventBranch } from '../../../record/event-query.ts'
import type { EventRecord } from '../../../record/events.ts'
import type { RecordedEvent } from '../../../record/recorded-event.ts'
import { waitOptions } from '../../../record/wait-options.ts'
import { explainDatabaseError } from '../../../transactions/database-error.ts'
import type { Database } from '../connection.ts'
import { withReachableDatabase } from '../operating/reachable.ts'
import { causedBy, causesOf } from './causes.ts'
import { countByType, countEvents } from './counts.ts'
import { waitsOn, type EndParts } from './ends.ts'
import { eventsWithIds, eventWithId } from './event-rows.ts'
import { listEvents } from './list.ts'
import { recordedEvent } from './recorded-row.ts'
import { deliveriesOf } from './statuses.ts'

export interface RecordParts extends EndParts {
  readonly registry: LazyRegistry
}

export function eventsIn(parts: RecordParts): EventRecord & { close(): Promise<void> } {
  const { connection, tables, codec } = parts
  const waits = waitsOn(parts)
  const look = <Result>(work: (pool: Database) => Promise<Result>) =>
    withReachableDatabase(async () =>
      work(await connection.pool()).catch((error: unknown) => {
        throw explainDatabaseError(error, tables.names.postbus)
      }),
    )

  async function get(given: string | EventType, typedId?: string): Promise<RecordedEvent | null> {
    const kind = isEventType(given) ? given : null
    const id = checkedId('get', kind ? typedId : given)
    const row = await look((pool) => eventWithId(pool, tables, id))
    if (!row || (kind && kind.type !== row.type)) return null
    return recordedEvent(row, codec)
  }

  return {
    get,
    async list(given = {}) {
      const query = parseOptions('events.list()', eventQuery, given)
      const types = await typesFor(query)
      const { rows, cursor } = await look((pool) => listEvents(pool, tables, { ...query, ...types }))
      return { events: rows.map((row) => recordedEvent(row, codec)), cursor }
    },
    async count(given = {}) {
      const filter = parseOptions('events.count()', eventFilter, given)
      const types = await typesFor(filter)
      return look((pool) => countEvents(pool, tables, { ...filter, ...types }))
    },
    async countByType(given = {}) {
      const filter = parseOptions('events.countByType()', eventFilter, given)
      const types = await typesFor(filter)
      return look((pool) => countByType(pool, tables, { ...filter, ...types }))
    },
    async tree(given) {
      const id = checkedId('tree', given)
      return look(async (pool) => {
        const causes = await causesOf(pool, tables, id)
        const members = await causedBy(pool, tables, [id])
        const rows = await eventsWithIds(pool, tables, [...causes, ...members.map((one) => one.id)])
        const event = (one: string) => {
          const row = rows.get(one)
          return row ? [recordedEvent(row, codec)] : []
        }
        const childrenOf = Map.groupBy(members, ({ cause }) => cause)
        const branch = (root: RecordedEvent): EventBranch => ({
          event: root,
          caused: (childrenOf.get(root.id) ?? [])
            .toSorted((one, other) => Number(BigInt(one.seq) - BigInt(other.seq)))
            .flatMap((child) => event(child.id).map(branch)),
        })
        return event(id).map((root) => ({ causes: causes.flatMap(event), ...branch(root) }))[0] ?? null
      })
    },
    async status(given) {
      const id = checkedId('status', given)
      return look(async (pool) => {
        const row = await eventWithId(pool, tables, id)
        const found = row && (await deliveriesOf(pool, tables, [row.seq])).get(row.seq)
        return row && found ? { event: recordedEvent(row, codec), ...found } : null
      })
    },
    async whenFinished(given, how = {}) {
      const id = checkedId('whenFinished', given)
      return waits.until(id, parseOptions('events.whenFinished()', waitOptions, how))
    },
    close: () => waits.close(),
  }

  /** A handler that is known narrows the types down. */
  async function typesFor({ handler, type }: CheckedEventFilter): Promise<{ readonly types?: readonly string[] }> {
    if (handler === undefined || type !== undefined) return {}
    const known = (await parts.registry.load()).handlerNamed(handler)
    if (!known || known.subscriptions.some(({ is }) => is === 'pattern')) return {}
    return { types: known.subscriptions.flatMap((one) => (one.is === 'event-type' ? [one.type] : [])) }
  }
}

function checkedId(what: string, id: unknown): string {
  if (typeof id === 'string' && isEventId(id)) return id.toLowerCase()
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `events.${what}(): ${JSON.stringify(id)} is no event's id: expected a UUID, such as event.id.`,
  )
}
