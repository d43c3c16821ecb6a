/** Schedules, for an operator: `bus.schedules`. And what a worker needs of a backend to publish their ticks. */
import { types } from 'node:util'
import { z } from 'zod'
import { now } from '../clock.ts'
import { PostbusError } from '../errors.ts'
import type { Envelope } from '../events/envelope.ts'
import type { PublishedEvent, PublishOptions, PublishResult } from '../events/publish-result.ts'
import { parseOptions } from '../parse-options.ts'
import { eventOf, type Schedule } from '../schedules/schedule.ts'
import { nextTick, type Missed, type Pattern } from '../schedules/ticks.ts'
import type { PublishTransaction } from '../transactions/transaction.ts'
import { parseAct, type Act, type ActOptions } from './acts.ts'

export interface ScheduleStatus {
  readonly name: string
  readonly cron: string
  readonly timeZone: string
  /** `null`: this bus does not know the schedule. */
  readonly missed: Missed | null
  /** The tick that was published last; `null`: none. */
  readonly lastTickAt: Date | null
  /** The tick that is published next; `null`: there is none, or no worker has begun with the schedule yet. */
  readonly nextTickAt: Date | null
  /** Whether this bus defines the schedule. `false`: it was defined before. Its row is kept, and nothing is published for it. */
  readonly isRegistered: boolean
}

export interface RunOptions extends ActOptions {
  /** The tick to publish: one that was published already is a duplicate. Default: now, beside all ticks. */
  readonly at?: Date
}

export interface Schedules {
  /**
   * Every schedule of this bus, and those that the database remembers, by name.
   *
   * @example for (const { name, nextTickAt } of await bus.schedules.list()) console.log(name, nextTickAt)
   */
  list(): Promise<readonly ScheduleStatus[]>
  /**
   * Publishes a tick by hand: now, or that of `at`, to make up for one that was missed. The schedule goes on as if nothing had been. With
   * `by`, it is recorded among the acts.
   *
   * @example await bus.schedules.run('reports.daily', { at: new Date('2026-11-28T05:00:00Z') })
   * @throws {PostbusError} `POSTBUS_NO_SUCH_SCHEDULE`, `POSTBUS_INVALID_OPTIONS`; what `event` throws, and what `publish` throws.
   */
  run(name: string, options?: RunOptions): Promise<PublishedEvent>
}

/** A schedule as the database remembers it. */
export interface StoredSchedule extends Pattern {
  readonly name: string
  /** It is done up to here. */
  readonly position: Date
  readonly lastTickAt: Date | null
}

export interface HeldSchedule {
  readonly position: Date
  /** By the database's clock. */
  readonly now: Date
  readonly tx: PublishTransaction
}

/** What a worker needs to publish ticks. */
export interface ScheduleStore {
  /** Remembers new schedules, from now on; of one whose pattern has changed, from now on with the new one. */
  begin(schedules: readonly Schedule[]): Promise<void>
  /** All that is remembered, and what time it is for the database. */
  look(): Promise<{ readonly now: Date; readonly schedules: readonly StoredSchedule[] }>
  /**
   * Holds a schedule while `work` publishes in its transaction, and moves it to where that says. `false`: it is another process's, which holds
   * it, or remembers another pattern.
   */
  hold(schedule: Schedule, work: (held: HeldSchedule) => Promise<Date | null>): Promise<boolean>
}

export interface SchedulesParts {
  readonly schedules: readonly Schedule[]
  publish(events: Envelope | readonly Envelope[], options?: PublishOptions): Promise<PublishResult>
  /** What is remembered; nothing, where nothing is. */
  stored(): Promise<readonly StoredSchedule[]>
  /** Records an act. */
  note(act: Act, filter: object): Promise<unknown>
}

const runOptions = z.strictObject({ at: z.custom<Date>(isValidDate, 'expected a valid Date').optional() })

export function schedulesOf({ schedules, publish, stored, note }: SchedulesParts): Schedules {
  return Object.freeze({
    async list() {
      const rows = new Map((await stored()).map((row) => [row.name, row]))
      const known = new Map(schedules.map((schedule) => [schedule.name, schedule]))
      const names = [...new Set([...known.keys(), ...rows.keys()])].toSorted()
      return names.map((name) => statusOf(name, known.get(name), rows.get(name)))
    },
    async run(name, given = {}) {
      const { at: when, ...rest } = given
      const { at = now() } = parseOptions('schedules.run()', runOptions, when === undefined ? {} : { at: when })
      const act = parseAct('schedules.run', rest)
      const schedule = schedules.find((one) => one.name === name)
      if (!schedule) throw unknown(name)
      const { events } = await publish(eventOf(schedule, at, false))
      if (act.by !== null) await note(act, { schedule: name, at: at.toISOString() })
      return events[0] as PublishedEvent // one was published
    },
  } satisfies Schedules)
}

function statusOf(name: string, schedule: Schedule | undefined, row: StoredSchedule | undefined): ScheduleStatus {
  const pattern = schedule ?? row
  return {
    name,
    cron: pattern?.cron ?? '',
    timeZone: pattern?.timeZone ?? '',
    missed: schedule?.missed ?? null,
    lastTickAt: row?.lastTickAt ?? null,
    nextTickAt: schedule && row ? nextTick(schedule, row.position) : null,
    isRegistered: schedule !== undefined,
  }
}

function isValidDate(value: unknown): boolean {
  return types.isDate(value) && !Number.isNaN(value.getTime())
}

function unknown(name: string): PostbusError {
  const mend = 'Give it to createBus({ schedules: [ … ] }). See: npx postbus schedules list'
  return new PostbusError('POSTBUS_NO_SUCH_SCHEDULE', `This bus has no schedule "${name}". ${mend}`)
}
