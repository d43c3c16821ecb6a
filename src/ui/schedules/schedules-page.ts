/** **Schedules**: events that are published at set times, with their last and next ticks. */
import type { ScheduleStatus } from '../../deliveries/schedules.ts'
import { doLink } from '../doing/do-link.ts'
import { html } from '../html.ts'
import { table, type Cell } from '../parts/table.ts'
import { time } from '../parts/time.ts'
import type { Page, Visit } from '../visit.ts'

const MOST = 150

export async function schedulesPage(visit: Visit): Promise<Page> {
  const schedules = await visit.bus.schedules.list()
  return {
    title: 'Schedules',
    body: html`${table({
      label: 'Schedules',
      columns: [
        { head: 'Schedule' },
        { head: 'Pattern' },
        { head: 'Time zone' },
        { head: 'Last tick (UTC)' },
        { head: 'Next tick (UTC)' },
        { head: 'Missed ticks' },
        { head: 'Acts' },
      ],
      rows: schedules.slice(0, MOST).map((schedule) => rowOf(visit, schedule)),
      empty: 'No schedule is defined. See createBus({ schedules }).',
    })}
    ${schedules.length > MOST ? html`<p class="hint">The first ${MOST} by name.</p>` : ''}`,
  }
}

function rowOf(visit: Visit, schedule: ScheduleStatus): readonly Cell[] {
  const { name, cron, timeZone, lastTickAt, nextTickAt, missed, isRegistered } = schedule
  return [
    name,
    html`<code>${cron}</code>`,
    timeZone,
    time(lastTickAt),
    time(nextTickAt),
    isRegistered ? (missed ?? '') : html`<span class="none">not defined any more</span>`,
    isRegistered
      ? doLink(visit, { name: 'run-schedule', values: { schedule: name }, text: 'Publish a tick', of: name })
      : '',
  ]
}
