/**
 * Checks whether vacuum can remove the rows that finished deliveries leave behind. If not, it names what needs the oldest
 * snapshot in the server: a transaction, a replication slot, a standby or a prepared transaction.
 */
import type { DoctorFinding } from '../../../deliveries/operations.ts'
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'

/** A report or a backup may need a snapshot for some time. An older one, or any while more rows than this are dead, is reported. */
const LONG_AGO = `interval '5 minutes'`
const MANY_DEAD = 50_000

interface Holder {
  readonly who: string
  readonly end: string
  readonly minutes: number | null
}

interface Cleanliness {
  readonly dead: number
  readonly mayVacuum: boolean
}

export async function examineVacuum(database: Queryable, tables: Tables): Promise<DoctorFinding> {
  const { dead, mayVacuum } = await cleanliness(database, tables)
  const holder = await oldestHolder(database)
  const rows = `${dead.toLocaleString('en')} finished deliveries are not cleared away yet`
  if (holder && (dead > MANY_DEAD || (holder.minutes ?? 0) > 5)) {
    const since = holder.minutes === null ? '' : ` for ${holder.minutes.toLocaleString('en')} min`
    return {
      check: 'vacuum',
      status: 'warning',
      message: `${holder.who} holds back vacuum${since}: ${rows}, and claims step over them. ${holder.end}`,
    }
  }
  const how = mayVacuum ? '' : '; workers may not vacuum as this role, so autovacuum does it'
  return { check: 'vacuum', status: 'ok', message: `${rows}${how}` }
}

async function cleanliness(database: Queryable, { delivery }: Tables): Promise<Cleanliness> {
  const { rows } = await database.query<Cleanliness>(
    `select pg_stat_get_dead_tuples(class.oid)::float8 as dead, pg_has_role(class.relowner, 'usage') as "mayVacuum"
    from pg_class class where class.oid = to_regclass($1)`,
    [delivery],
  )
  return rows[0] ?? { dead: 0, mayVacuum: false }
}

/** A role that may not see others' transactions finds only slots and prepared transactions. */
async function oldestHolder(database: Queryable): Promise<Holder | null> {
  const { rows } = await database.query<Holder>(
    `select who, "end", minutes from (
      select format('the transaction of process %s (%s, %s)', pid, coalesce(usename, 'unknown'),
          coalesce(nullif(application_name, ''), 'no application name')) as who,
        format('End it: select pg_terminate_backend(%s)', pid) as "end",
        round(extract(epoch from now() - xact_start) / 60)::float8 as minutes, age(backend_xmin) as age
      from pg_stat_activity
      where backend_xmin is not null and pid <> pg_backend_pid() and xact_start < now() - ${LONG_AGO}
        and backend_type = 'client backend'
      union all
      select format('replication slot %s', slot_name), format('If it is not needed: select pg_drop_replication_slot(%L)', slot_name),
        null, greatest(age(xmin), age(catalog_xmin))
      from pg_replication_slots where coalesce(xmin, catalog_xmin) is not null
      union all
      select format('prepared transaction %s', gid), format('End it: rollback prepared %L', gid),
        round(extract(epoch from now() - prepared) / 60)::float8, age(transaction)
      from pg_prepared_xacts where prepared < now() - ${LONG_AGO}
      union all
      select format('standby %s, by hot_standby_feedback', application_name), 'Look there for a long query', null, age(backend_xmin)
      from pg_stat_replication where backend_xmin is not null
    ) holders order by age desc nulls last limit 1`,
  )
  return rows[0] ?? null
}
