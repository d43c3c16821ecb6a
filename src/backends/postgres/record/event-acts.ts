/** `bus.events.redact` and `bus.events.delete` on Postgres: they go through events by seq, a batch in a transaction, which also records it. */
import { blankDocument } from '../../../codec/blank-document.ts'
import { parsePreviewedAct } from '../../../deliveries/acts.ts'
import { PostbusError } from '../../../errors.ts'
import { isEventId } from '../../../events/event-id.ts'
import { parseOptions } from '../../../parse-options.ts'
import {
  deleteSelection,
  pendingOption,
  redactSelection,
  type CheckedSelection,
  type EventActs,
} from '../../../record/event-acts.ts'
import type { Database, Queryable } from '../connection.ts'
import { errorsIn, functionName } from '../functions/sql.ts'
import type { NoteAct } from '../operating/act-log.ts'
import { operating, type OperatorParts } from '../operating/operating.ts'
import type { Tables } from '../schema/tables.ts'
import { conditionsOf, Values, type StoredFilter } from './conditions.ts'
import { noteErased } from './erasures.ts'
import { storedTypes } from './stored-types.ts'

/** The payloads of this many events are in memory at once. */
const REDACTED_AT_ONCE = 20
const DELETED_AT_ONCE = 500

export function eventActsIn({ connection, tables, registry }: OperatorParts): EventActs {
  const { look, act } = operating(connection, tables)

  async function stored({ type, ...selection }: CheckedSelection): Promise<StoredFilter> {
    const known = await registry.load()
    return { ...selection, ...(type !== undefined && { like: storedTypes(known, [type]) }) }
  }

  return Object.freeze({
    async redact(given, how = {}) {
      const { pending, ...rest } = typeof how === 'object' && how !== null ? how : {}
      const wanted = parsePreviewedAct('events.redact', rest)
      const options = parseOptions('events.redact()', pendingOption, pending === undefined ? {} : { pending })
      const which =
        typeof given === 'string' ? { id: checkedId(given) } : parseOptions('events.redact()', redactSelection, given)
      const chosen: Chosen = 'id' in which ? which : await stored(which)
      if ('id' in chosen) await look((pool) => refuseUnknown(pool, tables, chosen.id))
      if (wanted.preview) return { count: await look((pool) => countChosen(pool, tables, chosen, NOT_REDACTED)) }
      return act(wanted, which, (pool, { by, reason, note }) =>
        redactEvents(pool, tables, { chosen, pending: options.pending, by, reason, note }),
      )
    },
    async delete(given, how) {
      const which = parseOptions('events.delete()', deleteSelection, given)
      const wanted = parsePreviewedAct('events.delete', how)
      const chosen = await stored(which)
      let kept = 0
      if (wanted.preview) {
        const total = await look((pool) => countChosen(pool, tables, chosen, 'true'))
        kept = await look((pool) => countChosen(pool, tables, chosen, isNeeded(tables)))
        return { count: total - kept, kept }
      }
      const { count } = await act(wanted, which, (pool, { note }) =>
        deleteEvents(pool, tables, { chosen, note, onKept: (more) => (kept += more) }),
      )
      return { count, kept }
    },
  } satisfies EventActs)
}

type Chosen = StoredFilter | { readonly id: string }

const NOT_REDACTED = 'event.redacted is null'

/** SQL: a delivery of the event waits or runs, or a dead letter of it is open. */
function isNeeded({ deadLetter, delivery, ownQueue }: Tables): string {
  const id = (end: string) => `(lpad(to_hex(event.seq), 16, '0') || repeat('${end}', 16))::uuid`
  return `(exists (select from ${ownQueue} own cross join lateral (
      select from ${delivery} job where job.name = own.name and job.id >= ${id('0')} and job.id <= ${id('f')}
        and job.state < 'completed' limit 1
    ) one) or exists (
      select from ${deadLetter} letter
      where letter.delivery_id >= ${id('0')} and letter.delivery_id <= ${id('f')} and letter.dismissed_at is null
    ))`
}

function condition(chosen: Chosen, tables: Tables, values: Values): string {
  return 'id' in chosen ? `event.id = ${values.of(chosen.id, 'uuid')}` : conditionsOf(chosen, tables, values)
}

async function countChosen(database: Queryable, tables: Tables, chosen: Chosen, also: string): Promise<number> {
  const values = new Values()
  const matches = condition(chosen, tables, values)
  const { rows } = await database.query<{ count: string }>(
    `select count(*) from ${tables.event} event where ${matches} and ${also}`,
    values.list,
  )
  return Number(rows[0]?.count ?? 0)
}

interface Redacting {
  readonly chosen: Chosen
  readonly pending: 'dead-letter' | 'deliver'
  readonly by: string | null
  readonly reason: string | null
  readonly note: NoteAct
}

async function redactEvents(database: Database, tables: Tables, redacting: Redacting): Promise<number> {
  const { chosen, pending, by, reason, note } = redacting
  const redacted = { at: new Date().toISOString(), ...(by !== null && { by }), ...(reason !== null && { reason }) }
  let count = 0
  let after = '0'
  for (;;) {
    const seqs = await database.transaction(async (within) => {
      const values = new Values()
      const matches = condition(chosen, tables, values)
      const { rows } = await within.query<{ seq: string; payload: string }>(
        `select event.seq::text as seq, event.payload::text as payload from ${tables.event} event
        where ${matches} and ${NOT_REDACTED} and event.seq > ${values.of(after, 'bigint')}
        order by event.seq limit ${REDACTED_AT_ONCE} for no key update`,
        values.list,
      )
      const found = rows.map(({ seq }) => seq)
      const blank = rows.map(({ payload }) => blankDocument(payload))
      const metadata = JSON.stringify({ redacted })
      await within.query(
        `update ${tables.event} event set payload = erased.payload::json, metadata = $3::json, redacted = $4
        from unnest($1::bigint[], $2::text[]) as erased (seq, payload) where event.seq = erased.seq`,
        [found, blank, metadata, pending],
      )
      await eraseErrors(within, tables, found)
      await noteErased(within, tables, found)
      await note(within, found.length)
      return found
    })
    count += seqs.length
    if (seqs.length < REDACTED_AT_ONCE) return count
    after = seqs.at(-1) ?? after
  }
}

/** Erases texts of errors, which may quote erased data. Codes, times and numbers stay. Deliveries come before letters, as in a settle. */
async function eraseErrors(within: Queryable, tables: Tables, seqs: readonly string[]): Promise<void> {
  const { deadLetter, delivery, history, ownQueue } = tables
  const ofOne = (column: string) =>
    `${column} >= (lpad(to_hex(asked.seq), 16, '0') || repeat('0', 16))::uuid
      and ${column} <= (lpad(to_hex(asked.seq), 16, '0') || repeat('f', 16))::uuid`
  const blanked = (errors: string) =>
    `(select coalesce(jsonb_agg(one.error || '{"message": "erased", "stack": null}' order by one.place), '[]')
      from jsonb_array_elements(${errorsIn(errors)}) with ordinality as one (error, place))`
  const values = [[...seqs]]
  await within.query(
    `update ${delivery} job set output = ${blanked('job.output')}
    from unnest($1::bigint[]) as asked (seq), ${ownQueue} own
    where job.name = own.name and ${ofOne('job.id')} and job.output is not null`,
    values,
  )
  await within.query(
    `update ${deadLetter} letter set reason = 'erased', attempts = ${blanked('letter.attempts')}
    from unnest($1::bigint[]) as asked (seq) where ${ofOne('letter.delivery_id')}`,
    values,
  )
  await within.query(
    `update ${history} done set detail = jsonb_strip_nulls(jsonb_build_object(
      'errors', case when done.detail ? 'errors' then ${blanked(`(done.detail -> 'errors')`)} end,
      'reason', case when done.detail ? 'reason' then 'erased' end
    )) where done.seq = any($1::bigint[]) and done.detail is not null`,
    values,
  )
}

interface Deleting {
  readonly chosen: Chosen
  readonly note: NoteAct
  onKept(count: number): void
}

async function deleteEvents(database: Database, tables: Tables, { chosen, note, onKept }: Deleting): Promise<number> {
  let count = 0
  let after = '0'
  for (;;) {
    const values = new Values()
    const matches = condition(chosen, tables, values)
    const { rows } = await database.query<{ seq: string }>(
      `select event.seq::text as seq from ${tables.event} event
      where ${matches} and event.seq > ${values.of(after, 'bigint')} order by event.seq limit ${DELETED_AT_ONCE}`,
      values.list,
    )
    const seqs = rows.map(({ seq }) => seq)
    const gone = await database.transaction(async (within) => {
      const erased = await within.query<{ seq: string }>(
        `select unnest(${functionName(tables, 'erase')}($1::bigint[]))::text as seq`,
        [seqs],
      )
      const found = erased.rows.map(({ seq }) => seq)
      await noteErased(within, tables, found)
      await note(within, found.length)
      return found.length
    })
    count += gone
    onKept(seqs.length - gone)
    if (seqs.length < DELETED_AT_ONCE) return count
    after = seqs.at(-1) ?? after
  }
}

async function refuseUnknown(database: Queryable, tables: Tables, id: string): Promise<void> {
  const { rows } = await database.query(`select from ${tables.event} where id = $1`, [id])
  if (rows.length > 0) return
  throw new PostbusError('POSTBUS_NO_SUCH_EVENT', `Event ${id} is not stored (any more): there is nothing to erase.`)
}

function checkedId(id: string): string {
  if (isEventId(id)) return id.toLowerCase()
  const expected = 'expected the id of an event, a UUID, or a filter such as { partitionKey }.'
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `events.redact(): ${JSON.stringify(id.slice(0, 100))} is no event's id: ${expected}`,
  )
}
