/**
 * Where a query looks: the places in the log, by seq, of events that may match. Indexed events are found in the look-up table
 * by the most selective of the given fields, and newer events in the log itself.
 */
import type { Tables } from '../schema/tables.ts'
import { isLike, STATES, type StoredFilter, type Values } from './conditions.ts'

/** A stretch of the log: above `after`, and below `before`. */
export interface Stretch {
  readonly after: string
  readonly before: string
}

export interface Order {
  readonly by: 'seq' | 'seq desc'
}

/** Selects `seq`, in order, of at most `most` events of the log itself. */
export function inTheLog({ event }: Tables, stretch: Stretch, { by }: Order, most: number): string {
  return `select event.seq from ${event} event where event.seq > ${stretch.after} and event.seq < ${stretch.before}
    order by ${by} limit ${most}`
}

/** Selects `seq`, in order, of at most `most` indexed events that may match. */
export function byLookup(
  tables: Tables,
  filter: StoredFilter & { readonly types?: readonly string[] },
  values: Values,
  { stretch, order, most }: { readonly stretch: Stretch; readonly order: Order; readonly most: number },
): string {
  const within = (seq: string) => `${seq} > ${stretch.after} and ${seq} < ${stretch.before}`
  const ordered = `order by ${order.by} limit ${most}`
  if (filter.state !== undefined) return byState(tables, filter.state, { within, ordered, order, stretch, most })

  const { lookup, eventType } = tables
  const hash = equality(filter, values)
  if (hash !== null) return `select seq from ${lookup} where ${hash} and ${within('seq')} ${ordered}`
  const types =
    filter.like === undefined
      ? filter.types && `one.name = any(${values.of(filter.types, 'text[]')})`
      : isLike('one.name', filter.like, values)
  if (types === undefined) return inTheLog(tables, stretch, order, most)
  return `select found.seq from (select one.number from ${eventType} one where ${types}) type cross join lateral (
      select seq from ${lookup} where lookup.type = type.number and ${within('seq')} ${ordered}
    ) found ${ordered}`
}

function equality(filter: StoredFilter, values: Values): string | null {
  const { causationId, correlationId, partitionKey } = filter
  const is = (column: string, value: string) => `${column} = hashtextextended(${values.of(value, 'text')}, 0)`
  if (causationId !== undefined) return is('causation', causationId)
  if (correlationId !== undefined) return is('correlation', correlationId)
  return partitionKey === undefined ? null : is('partition_key', partitionKey)
}

interface Cut {
  readonly within: (seq: string) => string
  readonly ordered: string
  readonly order: Order
  readonly stretch: Stretch
  readonly most: number
}

/** Deliveries that are not done are found in their own tables: their ids begin with the seq of their event. */
function byState(tables: Tables, state: keyof typeof STATES | 'dead', { ordered, order, stretch, most }: Cut): string {
  const from = `(lpad(to_hex(${stretch.after} + 1), 16, '0') || repeat('0', 16))::uuid`
  const to = `(lpad(to_hex(${stretch.before}), 16, '0') || repeat('0', 16))::uuid`
  const direction = order.by === 'seq' ? '' : 'desc'
  const distinct = (ids: string) =>
    `select distinct ${tables.seqOfDelivery}(found.id) as seq from (${ids}) found ${ordered}`
  if (state === 'dead') {
    return distinct(`select delivery_id as id from ${tables.deadLetter} where dismissed_at is null
      and delivery_id >= ${from} and delivery_id < ${to} order by delivery_id ${direction} limit ${most}`)
  }
  return distinct(`select one.id from ${tables.ownQueue} queue cross join lateral (
      select job.id from ${tables.delivery} job where job.name = queue.name and job.id >= ${from} and job.id < ${to}
        and ${STATES[state]} order by job.id ${direction} limit ${most}
    ) one order by one.id ${direction} limit ${most}`)
}
