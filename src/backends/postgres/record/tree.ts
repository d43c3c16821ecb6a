/** Builds a tree of an event, with its causes and with the events that it caused. */
import type { EventBranch, EventTree } from '../../../record/event-query.ts'
import type { RecordedEvent } from '../../../record/recorded-event.ts'
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'
import { causedBy, causesOf } from './causes.ts'
import { eventsWithIds } from './event-rows.ts'
import type { RecordedRow } from './recorded-row.ts'

/** The largest number of events that `bus.events.tree` shows, without the causes. */
const LARGEST_TREE = 10_000

export interface TreeParts {
  readonly id: string
  recorded(row: RecordedRow): RecordedEvent
}

/** `null`: no event of this id is stored. */
export async function treeOf(
  database: Queryable,
  tables: Tables,
  { id, recorded }: TreeParts,
): Promise<EventTree | null> {
  const causes = await causesOf(database, tables, id)
  const members = await causedBy(database, tables, { ids: [id], most: LARGEST_TREE })
  const rows = await eventsWithIds(database, tables, [...causes, ...members.map((one) => one.id)])
  const events = new Map([...rows.values()].map((row) => [row.id, recorded(row)]))
  const root = events.get(id)
  if (!root) return null

  const childrenOf = Map.groupBy(members, ({ cause }) => cause)
  const shown = new Set<string>()
  const branch = (event: RecordedEvent): EventBranch => {
    shown.add(event.id) // an event may have been named as the cause of its own cause
    const caused = childrenOf.get(event.id)?.map((child) => child.id) ?? []
    const next = found(
      caused.filter((child) => !shown.has(child)),
      events,
    )
    return { event, caused: next.toSorted(inOrder).map(branch) }
  }
  return { causes: found(causes, events), ...branch(root) }
}

function found(ids: readonly string[], events: ReadonlyMap<string, RecordedEvent>): readonly RecordedEvent[] {
  return ids.flatMap((id) => events.get(id) ?? [])
}

function inOrder(one: RecordedEvent, other: RecordedEvent): number {
  return Number(BigInt(one.seq) - BigInt(other.seq))
}
