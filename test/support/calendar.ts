/** Schedules that publish what their ticks say, on a database of the test's own. */
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import {
  createBus,
  defineEvent,
  defineSchedule,
  type Bus,
  type BusSignal,
  type Schedule,
  type ScheduleDefinition,
  type Tick,
} from '../../src/index.ts'
import { openTestBus, type TestBus } from './bus.ts'
import { emptyTables } from './stored.ts'

const Ticked = defineEvent('calendar.ticked', {
  schema: z.object({ name: z.string(), at: z.date(), isMissed: z.boolean() }),
})
export const ticked = ({ name, at, isMissed }: Tick) => Ticked({ name, at, isMissed })
let opened: TestBus

/** For `beforeAll`. */
export async function openCalendar(): Promise<TestBus> {
  opened = await openTestBus()
  return opened
}

export async function emptyCalendar(): Promise<void> {
  await emptyTables(opened.database)
  await opened.database.query('delete from postbus.schedule')
}

export function everySecond(name = 'every.second', definition: Partial<ScheduleDefinition> = {}): Schedule {
  return defineSchedule(name, { cron: '* * * * * *', missed: 'all', event: ticked, ...definition })
}

/** `signals` has the signals about failed schedules. */
export function aBus(schedules: readonly Schedule[]): { bus: Bus; signals: BusSignal[] } {
  const signals: BusSignal[] = []
  const bus = createBus({
    connectionString: opened.connectionString,
    schedules,
    onSignal: (signal) => signal.name === 'schedule.failed' && signals.push(signal),
  })
  onTestFinished(() => bus.close())
  return { bus, signals }
}

/** The ticks that were published, in the order of publishing. */
export async function ticks(): Promise<readonly Tick[]> {
  const { events } = await opened.bus.events.list({ type: 'calendar.ticked', first: 'oldest', limit: 100 })
  return events.map(({ data }) => data as Tick)
}
