/** Writes the conditions of a query on the log as SQL, with its values. */
import type { CheckedEventFilter } from '../../../record/event-query.ts'
import { handlerHash } from '../deliveries/handler-hash.ts'
import { HANDLER } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'
import { GOES_ON, jobsOf } from './statuses.ts'

/** A filter with stored names. */
export type StoredFilter = Omit<CheckedEventFilter, 'type'> & {
  /** Names and patterns: the name of the type has to match one of them. */
  readonly like?: readonly string[]
}

/** Collects the values of a statement, and gives each its number. */
export class Values {
  readonly list: unknown[] = []

  /** Adds a value. Returns its parameter for the SQL. */
  of(value: unknown, type: string): string {
    this.list.push(value)
    return `$${this.list.length}::${type}`
  }
}

/** The condition that an event has to meet: on the log's own columns, and on its deliveries. `true` when the filter is empty. */
export function conditionsOf(filter: StoredFilter, tables: Tables, values: Values): string {
  const { like, partitionKey, correlationId, causationId, since, until, metadata = {}, text } = filter
  const all = [
    like && isLike('event.type', like, values),
    partitionKey !== undefined && `event.partition_key = ${values.of(partitionKey, 'text')}`,
    correlationId !== undefined && `event.correlation_id = ${values.of(correlationId, 'text')}`,
    causationId !== undefined && `event.causation_id = ${values.of(causationId, 'text')}`,
    since && `event.published_at >= ${values.of(since.toISOString(), 'timestamptz')}`,
    until && `event.published_at < ${values.of(until.toISOString(), 'timestamptz')}`,
    ...Object.entries(metadata).map(
      ([field, value]) =>
        `(event.metadata -> ${values.of(field, 'text')})::jsonb = ${values.of(JSON.stringify(value), 'jsonb')}`,
    ),
    text !== undefined && `event.payload::text ilike ${values.of(`%${escaped(text)}%`, 'text')}`,
    (filter.handler !== undefined || filter.state !== undefined) && deliveryCondition(filter, tables, values),
  ]
  return all.filter((one) => typeof one === 'string').join(' and ') || 'true'
}

/** SQL: the column has one of these names, or matches one of these patterns. */
export function isLike(column: string, like: readonly string[], values: Values): string {
  return `${column} like any(${values.of(like.map(likePattern), 'text[]')})`
}

/** Turns a pattern of ours, in which `*` stands for any characters, into a pattern of `like`. */
function likePattern(pattern: string): string {
  return escaped(pattern).replaceAll('*', '%')
}

function escaped(text: string): string {
  return text.replaceAll(/[\\%_]/g, String.raw`\$&`)
}

/** SQL conditions on a job: it is in this state. Open dead letters are in a table of their own. */
export const STATES = { unfinished: GOES_ON, retrying: `${GOES_ON} and job.state = 'retry' and job.output is not null` }

function deliveryCondition({ handler, state }: StoredFilter, tables: Tables, values: Values): string {
  const { deadLetter, history } = tables
  const name = handler === undefined ? null : values.of(handler, 'text')
  const ofHandler = (column: string) => (name === null ? '' : ` and ${column} = ${name}`)
  const letters = `exists (select from ${deadLetter} letter
      where letter.event_id = event.id and letter.delivery_id >= (lpad(to_hex(event.seq), 16, '0') || repeat('0', 16))::uuid
        and letter.delivery_id <= (lpad(to_hex(event.seq), 16, '0') || repeat('f', 16))::uuid
        and letter.dismissed_at is null${ofHandler('letter.handler')})`
  if (state === 'dead') return letters
  const jobs = (condition: string) =>
    `exists (select from ${jobsOf(tables, 'event.seq')} where ${condition}${ofHandler(HANDLER)})`
  if (state !== undefined) return jobs(STATES[state])
  const done = `exists (select from ${history} done where done.seq = event.seq
      and done.handler = (select one.number from ${tables.handler} one where one.name = ${name}))`
  const id = `(lpad(to_hex(event.seq), 16, '0') || ${values.of(handlerHash(handler ?? ''), 'text')})::uuid`
  const job = `exists (select from ${tables.ownQueue} queue join ${tables.delivery} job on job.name = queue.name and job.id = ${id})`
  return `(${done} or ${job} or ${letters})`
}
