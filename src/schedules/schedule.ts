/** `defineSchedule` declares an event that workers publish by the calendar: once per tick of a cron pattern, however many workers run. */
import { z } from 'zod'
import { PostbusError } from '../errors.ts'
import { callerOf } from '../events/defined-at.ts'
import type { Envelope } from '../events/envelope.ts'
import { idFrom } from '../events/event-id.ts'
import { checkName } from '../names.ts'
import { cronProblem, isTimeZone, type Missed } from './ticks.ts'

/** One tick of a schedule. */
export interface Tick {
  /** The schedule's name. */
  readonly name: string
  /** When the tick was due: the same for every process, however late the event is published. */
  readonly at: Date
  /** Whether the event is published more than a minute late, because no worker was running. */
  readonly isMissed: boolean
}

export const scheduleOptions = z.strictObject({
  cron: z
    .string()
    .describe('Five fields, minutes first, or six, with seconds before them. `@daily` and the like are understood.'),
  timeZone: z.string().default('UTC').describe('The time zone in which the pattern is read, such as `Europe/Berlin`.'),
  missed: z
    .enum(['latest', 'all', 'none'])
    .default('latest')
    .describe(
      'Which ticks are made up that passed while no worker lived: the `latest` one, `all` in their order, or `none`.',
    ),
})

export interface ScheduleDefinition {
  /**
   * A cron pattern: minute, hour, day of the month, month, day of the week; with six fields the first is the second. `@hourly`,
   * `@daily`, `@weekly`, `@monthly` and `@yearly` are understood.
   */
  readonly cron: string
  /** The time zone in which the pattern is read, such as `Europe/Berlin`. Default: `UTC`. */
  readonly timeZone?: string
  /**
   * Which of the ticks that passed while no worker was running are published afterwards: the `latest` one (the default), `all` in order, or `none`.
   */
  readonly missed?: Missed
  /**
   * Makes the event of a tick. It runs in a worker, inside the transaction that publishes the event, so it must make no calls and have no
   * side effects. The id of the event is replaced by one that is made from the schedule's name and the tick.
   */
  readonly event: (tick: Tick) => Envelope
}

const SCHEDULE = Symbol.for('postbus.schedule')

/** A declared schedule. */
export interface Schedule<Name extends string = string> {
  readonly [SCHEDULE]: true
  readonly name: Name
  readonly cron: string
  readonly timeZone: string
  readonly missed: Missed
  readonly event: (tick: Tick) => Envelope
  readonly definedAt: string
}

/** An array of schedules, or a module (or any object) whose exports are schedules. */
export type ScheduleSet = readonly Schedule[] | Readonly<Record<string, unknown>>

/**
 * Declares a schedule, for `createBus({ schedules: [ … ] })`. The database remembers its ticks by its name. A new schedule begins now.
 *
 * @example
 * const dailyReport = defineSchedule('reports.daily', {
 *   cron: '0 6 * * *',
 *   timeZone: 'Europe/Berlin',
 *   event: (tick) => DayPassed({ day: tick.at.toISOString().slice(0, 10) }),
 * })
 *
 * @throws {PostbusError} `POSTBUS_INVALID_SCHEDULE` when the name, the pattern, the time zone or another option cannot be used.
 */
export function defineSchedule<const Name extends string>(name: Name, definition: ScheduleDefinition): Schedule<Name> {
  checkName(name, 'Schedule', 'POSTBUS_INVALID_SCHEDULE')
  const { event, ...options } = definition
  if (typeof event !== 'function') throw invalid(name, 'expected `event` to be a function that makes an event.')
  const parsed = scheduleOptions.safeParse(options)
  if (!parsed.success) throw invalid(name, `its options are not acceptable.\n${z.prettifyError(parsed.error)}`)
  const { timeZone, cron } = parsed.data
  if (!isTimeZone(timeZone)) throw invalid(name, `"${timeZone}" is no time zone: expected one such as "Europe/Berlin".`)
  const problem = cronProblem(cron, timeZone)
  if (problem !== null) throw invalid(name, `its pattern ${JSON.stringify(cron)} ${problem}`)
  // Not frozen: tests spy on `event`.
  return { [SCHEDULE]: true, name, ...parsed.data, event, definedAt: callerOf(defineSchedule) }
}

/**
 * The schedules of a bus.
 *
 * @throws {PostbusError} `POSTBUS_INVALID_SCHEDULE` for a value that is no schedule, and for two schedules with one name.
 */
export function schedulesIn(set: ScheduleSet): readonly Schedule[] {
  const found = new Map<string, Schedule>()
  for (const value of Object.values<unknown>(set).flat()) {
    if (!isSchedule(value)) {
      const mend = 'expected what defineSchedule(…) returns.'
      throw new PostbusError('POSTBUS_INVALID_SCHEDULE', `createBus(): \`schedules\` holds no schedule: ${mend}`)
    }
    const other = found.get(value.name)
    if (other && other !== value)
      throw invalid(value.name, `there are two of this name, ${other.definedAt} and ${value.definedAt}. Rename one.`)
    found.set(value.name, value)
  }
  return [...found.values()]
}

/**
 * Returns the event of a tick, with an id made from the schedule's name and the tick: if it is published again, because an answer was lost,
 * nothing more is published.
 *
 * @throws {PostbusError} `POSTBUS_INVALID_EVENT` when the schedule's function returned no event; and what that function throws.
 */
export function eventOf(schedule: Schedule, at: Date, isMissed: boolean): Envelope {
  const { name } = schedule
  const made: unknown = schedule.event(Object.freeze({ name, at: new Date(at), isMissed }))
  if (typeof made === 'object' && made !== null && 'type' in made && 'id' in made)
    return Object.freeze({ ...(made as Envelope), id: idFrom(`${name} ${at.toISOString()}`) }) // publish checks the rest
  throw new PostbusError(
    'POSTBUS_INVALID_EVENT',
    `\`event\` of schedule "${name}" returned no event: expected what an event type makes, such as DayPassed({ … }).`,
  )
}

function isSchedule(value: unknown): value is Schedule {
  return typeof value === 'object' && value !== null && SCHEDULE in value
}

function invalid(name: string, problem: string): PostbusError {
  return new PostbusError('POSTBUS_INVALID_SCHEDULE', `Schedule "${name}": ${problem}`)
}
