/** What doctor says about schedules: which have an overdue tick, and which no worker has begun with. */
import type { DoctorFinding } from '../../../deliveries/operations.ts'
import type { ScheduleStore } from '../../../deliveries/schedules.ts'
import type { Schedule } from '../../../schedules/schedule.ts'
import { isOverdue, nextTick } from '../../../schedules/ticks.ts'

/** Returns no finding if this bus has no schedules. */
export async function examineSchedules(
  store: ScheduleStore,
  schedules: readonly Schedule[],
): Promise<readonly DoctorFinding[]> {
  if (schedules.length === 0) return []
  const { now, schedules: rows } = await store.look()
  const known = new Map(rows.map((row) => [row.name, row]))
  const problems = schedules.flatMap((schedule) => {
    const { name, cron, timeZone } = schedule
    const row = known.get(name)
    if (!row) return [`no worker has begun with "${name}"`]
    if (row.cron !== cron || row.timeZone !== timeZone)
      return [`workers go by another pattern for "${name}" (${row.cron})`]
    const next = nextTick(schedule, row.position)
    return isOverdue(next, now) ? [`the tick of "${name}" at ${next?.toISOString()} is overdue`] : []
  })
  if (problems.length === 0) return [{ check: 'schedules', status: 'ok', message: `${schedules.length} on time` }]
  const mend = 'Run a worker of this code, and look at its schedule.failed signals. See: npx postbus schedules list'
  return [{ check: 'schedules', status: 'warning', message: `${problems.join('; ')}. ${mend}` }]
}
