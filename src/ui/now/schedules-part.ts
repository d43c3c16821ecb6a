/** The next ticks of the schedules. */
import { now } from '../../clock.ts'
import type { ScheduleStatus } from '../../deliveries/schedules.ts'
import { html, type Markup } from '../html.ts'
import { table } from '../parts/table.ts'
import { duration, time } from '../parts/time.ts'
import type { Visit } from '../visit.ts'

const MOST = 10

export function schedulesPart(_visit: Visit, schedules: readonly ScheduleStatus[]): Markup | string {
  if (schedules.length === 0) return ''
  const next = schedules
    .filter(({ isRegistered }) => isRegistered)
    .toSorted((one, other) => timeOf(one) - timeOf(other))
    .slice(0, MOST)
  return html`<h2>Schedules</h2>
    ${table({
      label: 'The next ticks of schedules',
      columns: [{ head: 'Schedule' }, { head: 'Next tick' }, { head: 'In', isNumber: true }],
      rows: next.map(({ name, nextTickAt }) => [name, time(nextTickAt), duration(until(nextTickAt))]),
      empty: 'None of the remembered schedules is defined here.',
    })}`
}

function timeOf({ nextTickAt }: ScheduleStatus): number {
  return nextTickAt?.getTime() ?? Infinity
}

function until(at: Date | null): number | null {
  return at === null ? null : Math.max(0, at.getTime() - now().getTime())
}
