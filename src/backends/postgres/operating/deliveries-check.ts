/**
 * What doctor finds in the stored deliveries: handlers that are not registered, and deliveries that something other than Postbus
 * has taken. It looks at a limited number of rows, so that a report takes only a moment.
 */
import type { DoctorFinding } from '../../../deliveries/operations.ts'
import type { Registry } from '../../../handlers/registry.ts'
import type { Queryable } from '../connection.ts'
import { refusedAt } from '../functions/guard.ts'
import type { Tables } from '../schema/tables.ts'

/** This many rows are read in a tenth of a second. */
const LOOKED_AT = 100_000
const A_WHILE = `interval '1 hour'`

interface OfHandler {
  readonly handler: string
  readonly waiting: number
  readonly completed: number
}

export async function examineDeliveries(
  database: Queryable,
  tables: Tables,
  registry: Registry,
): Promise<readonly DoctorFinding[]> {
  const found = await look(database, tables, registry.queues)
  return [...handlersOf(found, registry), ...completedOf(found), ...(await examineGuard(database, tables))]
}

async function look(database: Queryable, tables: Tables, queues: readonly string[]): Promise<readonly OfHandler[]> {
  const { rows } = await database.query<OfHandler>(
    `select handler, count(*) filter (where state < 'completed')::integer as waiting,
      count(*) filter (where state = 'completed')::integer as completed
    from (
      select data ->> 'handler' as handler, state from ${tables.delivery}
      where name = any($1) and state <= 'completed' limit ${LOOKED_AT}
    ) looked_at
    where handler is not null group by handler order by waiting desc, handler`,
    [queues],
  )
  return rows
}

/** Deliveries that wait for a handler that is not registered, by name. */
function handlersOf(found: readonly OfHandler[], registry: Registry): readonly DoctorFinding[] {
  const unknown = found.filter(({ handler, waiting }) => waiting > 0 && !registry.handlerNamed(handler)).slice(0, 20)
  const isPart = sum(found, 'waiting') + sum(found, 'completed') >= LOOKED_AT
  const part = isPart ? `, of the ${number(LOOKED_AT)} that were looked at` : ''
  if (unknown.length === 0) {
    const message = `${registry.handlers.length} registered; every waiting delivery has one${part}`
    return [{ check: 'handlers', status: 'ok', message }]
  }
  return unknown.map(({ handler, waiting }) => ({
    check: 'handlers',
    status: 'problem',
    message: `"${handler}" has ${number(waiting)} waiting deliveries${part} but no handler of that name (renamed without previousNames, or not deployed?)`,
  }))
}

/** Postbus deletes deliveries that are done, so a completed one was completed by something else. */
function completedOf(found: readonly OfHandler[]): readonly DoctorFinding[] {
  const count = sum(found, 'completed')
  if (count === 0) return []
  const handlers = found.filter(({ completed }) => completed > 0).map(({ handler }) => handler)
  const message =
    `${number(count)} deliveries were completed by something other than Postbus, so their handlers may not have run: ` +
    `${handlers.slice(0, 5).join(', ')}. Look for boss.work() or boss.complete() on these queues`
  return [{ check: 'queues', status: 'warning', message }]
}

/** The guard stores when it last refused something (see `functions/guard.ts`). A pg-boss worker started by mistake asks every 2 s. */
async function examineGuard(database: Queryable, tables: Tables): Promise<readonly DoctorFinding[]> {
  const { rows } = await database.query<{ at: string }>(
    `select to_char(to_timestamp(last_value) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') as at from ${refusedAt(tables)}
    where to_timestamp(last_value) > clock_timestamp() - ${A_WHILE}`,
  )
  return rows.map(({ at }) => ({
    check: 'queues',
    status: 'problem',
    message:
      `pg-boss was asked for deliveries of Postbus, by boss.work() or boss.fetch(), and was refused, the last time at ${at}. The server's ` +
      'log says from where. Give jobs of your own a queue of another name',
  }))
}

function sum(found: readonly OfHandler[], what: 'waiting' | 'completed'): number {
  return found.reduce((total, one) => total + one[what], 0)
}

function number(value: number): string {
  return value.toLocaleString('en')
}
