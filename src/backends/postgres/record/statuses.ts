/**
 * What became of events at their handlers. Deliveries that are not done are in the table of deliveries, done ones in the history, and dead
 * ones in the dead letters, which may outlive their jobs. The ids of an event's deliveries begin with its seq, so they are one range.
 */
import type { StoredNames } from '../../../handlers/stored-names.ts'
import { goesOn, type DeliveryStatus } from '../../../record/event-status.ts'
import type { Queryable } from '../connection.ts'
import { idOfDelivery } from '../deliveries/delivery-id.ts'
import { IS_AWAITING } from '../functions/awaiting.ts'
import { attemptOf, errorsIn, GATED, HANDLER, HELD } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'

export interface Deliveries {
  /** The latest delivery of each handler, in the order of the handlers' names. */
  readonly deliveries: readonly DeliveryStatus[]
  readonly isFinished: boolean
}

interface Row extends Omit<DeliveryStatus, 'deliveryId'> {
  readonly seq: string
  /** `null`: the id is computed from the handler's name. */
  readonly deliveryId: string | null
  /** The delivery had ended before, and was started again. */
  readonly isAgain: boolean
}

/** Keyed by the seq of the event. */
export async function deliveriesOf(
  database: Queryable,
  tables: Tables,
  { seqs, names }: { readonly seqs: readonly string[]; readonly names: StoredNames },
): Promise<ReadonlyMap<string, Deliveries>> {
  // Prepared, because to plan it for each table of the history takes longer than to run it. `offset 0` hides from the planner how many
  // seqs are asked for: otherwise a plan for just these seqs looks cheaper, and is made each time.
  const { rows } = await database.query<Row>({ name: 'deliveries', text: statement(tables), values: [seqs] })
  const rowsOf = Map.groupBy(rows, ({ seq }) => seq)
  return new Map(seqs.map((seq) => [seq, deliveriesIn(rowsOf.get(seq) ?? [], names)]))
}

function deliveriesIn(rows: readonly Row[], { handlers }: StoredNames): Deliveries {
  const ofHandlers = [...Map.groupBy(rows, ({ handler }) => handler).values()]
  return {
    deliveries: ofHandlers.flatMap(([latest]) => (latest ? [statusIn(latest, handlers.shown(latest.handler))] : [])),
    isFinished: ofHandlers.every(([latest, earlier]) => earlier || latest?.isAgain || !goesOn(latest?.state ?? 'done')),
  }
}

function statusIn({ seq, deliveryId, ...row }: Row, handler: string): DeliveryStatus {
  const { state, attempts, dueAt, startedAt, endedAt, reason, errors } = row
  const times = { dueAt, startedAt, endedAt }
  return {
    deliveryId: deliveryId ?? idOfDelivery(seq, row.handler),
    handler,
    state,
    attempts,
    ...times,
    reason,
    errors,
  }
}

/** SQL: the job is not over, and goes on by itself. */
export const GOES_ON = `job.state < 'completed' and job.start_after <> 'infinity'`

/** SQL for the state of a job. */
export function stateOfJob({ jobNow }: Tables): string {
  return `case
      when job.state = 'active' then 'running'
      when job.state = 'failed' then 'dead'
      when job.state = 'cancelled' then 'cancelled'
      when job.state = 'completed' then 'done'
      when job.start_after = 'infinity' then 'blocked'
      when ${IS_AWAITING} then 'awaiting'
      when job.blocked and job.group_tier is distinct from 'set aside' then 'parked'
      when job.start_after in (${GATED}, ${HELD}) then 'waiting'
      when job.state = 'retry' and job.start_after > ${jobNow} and jsonb_typeof(job.output) = 'array' then 'retrying'
      when job.state = 'retry' and job.start_after > ${jobNow} and job.started_on is not null then 'snoozed'
      else 'waiting' end`
}

/** The jobs of one event, in all queues. */
export function jobsOf(tables: Tables, seq: string): string {
  return `${tables.ownQueue} queue cross join lateral (
        select * from ${tables.delivery} one where one.name = queue.name
          and one.id >= ${idBound(seq, '0')} and one.id <= ${idBound(seq, 'f')} offset 0
      ) job`
}

function idBound(seq: string, digit: '0' | 'f'): string {
  return `(lpad(to_hex(${seq}), 16, '0') || repeat('${digit}', 16))::uuid`
}

function statement(tables: Tables): string {
  const { deadLetter, handler, history } = tables
  const letters = `${deadLetter} letter where letter.delivery_id >= ${idBound('wanted.seq', '0')}
        and letter.delivery_id <= ${idBound('wanted.seq', 'f')}`
  return `
    select wanted.seq::text as seq, found.*
    from (select $1::bigint[] as seqs offset 0) asked cross join lateral unnest(asked.seqs) as wanted (seq) cross join lateral (
      select job.id::text as "deliveryId", ${HANDLER} as handler, ${stateOfJob(tables)} as state,
        case when job.started_on is null then 0 else ${attemptOf('job')} + ${IS_AWAITING}::integer end as attempts,
        case when job.state < 'active' and job.start_after <> 'infinity' and not job.blocked then job.start_after end as "dueAt",
        job.started_on as "startedAt", job.completed_on as "endedAt",
        letter.reason, ${errorsIn('job.output')} as errors, job.data ? 'again' as "isAgain"
      from ${jobsOf(tables, 'wanted.seq')}
      left join ${deadLetter} letter on letter.delivery_id = job.id and letter.dismissed_at is null
      union all
      select null, handler.name, coalesce(done.outcome, 'done'), coalesce(done.attempts, 1), null,
        done.ended_at - done.took_ms * interval '1 ms', done.ended_at, done.detail ->> 'reason',
        coalesce(done.detail -> 'errors', '[]'), false
      from ${history} done join ${handler} handler on handler.number = done.handler where done.seq = wanted.seq
      union all
      select letter.delivery_id::text, letter.handler, 'dead', jsonb_array_length(letter.attempts), null, null, letter.died_at,
        letter.reason, letter.attempts, false
      from ${letters} and not exists (
        select from ${tables.ownQueue} queue join ${tables.delivery} job on job.name = queue.name and job.id = letter.delivery_id
      )
    ) found
    order by wanted.seq, found.handler, found."endedAt" desc nulls first`
}
