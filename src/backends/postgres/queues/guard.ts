/** Checks and creates the guard that keeps pg-boss's own workers away from our deliveries (see `functions/guard.ts`). */
import type { Queryable } from '../connection.ts'
import { guards } from '../functions/guard.ts'
import { AS_A_GUEST, untilLocked } from '../schema/lock-waits.ts'
import type { Tables } from '../schema/tables.ts'

export async function isGuardMissing(database: Queryable, tables: Tables): Promise<boolean> {
  const names = Object.keys(guards(tables))
  const { rows } = await database.query<{ count: number }>(
    `select count(*)::integer as count from pg_trigger
    where tgrelid = to_regclass($1) and tgname = any($2) and tgenabled in ('O', 'A')`,
    [tables.delivery, names],
  )
  return rows[0]?.count !== names.length
}

/** Waits for transactions that have written deliveries and are not yet committed. */
export async function createGuard(database: Queryable, tables: Tables): Promise<void> {
  const statements = Object.entries(guards(tables)).map(
    ([name, definition]) =>
      `drop trigger if exists ${name} on ${tables.delivery}; create trigger ${name} ${definition};`,
  )
  await untilLocked('guard the deliveries', () => database.query(`${AS_A_GUEST} ${statements.join(' ')}`))
}
