/**
 * The stored schedules: one row each, with the time up to which all ticks are published. The transaction that publishes a tick also locks
 * and advances the row. So each tick is published once, by one process, even if a process dies.
 */
import type { ScheduleStore, StoredSchedule } from '../../../deliveries/schedules.ts'
import { explainDatabaseError } from '../../../transactions/database-error.ts'
import type { Connection } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'

export function createScheduleStore({ pool }: Pick<Connection, 'pool'>, tables: Tables): ScheduleStore {
  const { clock, schedule } = tables
  return {
    async begin(schedules) {
      await (
        await pool()
      ).query(
        `insert into ${schedule} as known (name, cron, time_zone, position)
        select given.name, given.cron, given.time_zone, ${clock}
        from unnest($1::text[], $2::text[], $3::text[]) as given (name, cron, time_zone) order by given.name
        on conflict (name) do update set cron = excluded.cron, time_zone = excluded.time_zone,
          position = greatest(known.position, excluded.position)
        where (known.cron, known.time_zone) is distinct from (excluded.cron, excluded.time_zone)`,
        [
          schedules.map(({ name }) => name),
          schedules.map(({ cron }) => cron),
          schedules.map(({ timeZone }) => timeZone),
        ],
      )
    },
    async look() {
      const { rows } = await (
        await pool()
      ).query<{ now: Date; name: string | null } & Omit<StoredSchedule, 'name'>>(
        `select clock.now, one.name, one.cron, one.time_zone as "timeZone", one.position, one.last_tick_at as "lastTickAt"
        from (select ${clock} as now) clock left join ${schedule} one on true order by one.name`,
      )
      const schedules = rows.flatMap(({ name, cron, timeZone, position, lastTickAt }) =>
        name === null ? [] : [{ name, cron, timeZone, position, lastTickAt }],
      )
      return { now: rows[0]?.now ?? new Date(), schedules }
    },
    async hold({ name, cron, timeZone }, work) {
      const database = await pool()
      try {
        return await database.transaction(async (within) => {
          const { rows } = await within.query<{ position: Date; now: Date }>(
            `select one.position, ${clock} as now from ${schedule} one
            where one.name = $1 and one.cron = $2 and one.time_zone = $3 for update skip locked`,
            [name, cron, timeZone],
          )
          const [row] = rows
          if (!row) return false
          const tx = {
            executeSql: (text: string, values: readonly unknown[]) =>
              within.query<Record<string, unknown>>(text, [...values]),
          }
          const upTo = await work({ ...row, tx })
          if (upTo)
            await within.query(`update ${schedule} set position = $2, last_tick_at = $2 where name = $1`, [name, upTo])
          return true
        })
      } catch (error) {
        throw explainDatabaseError(error, tables.names.postbus)
      }
    },
  }
}
