/** Schedules, for an operator (`bus.schedules`), and the part of a backend by which a worker publishes their ticks. */
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
  /**
   * Whether this bus defines the schedule. `false`: only the database remembers it. Its row is kept, and this bus publishes
   * nothing for it.
   */
  readonly isRegistered: boolean
}

export interface RunOptions extends ActOptions {
  /** The time of the tick to publish. A tick that was already published is a duplicate. Default: now, as an extra tick. */
  readonly at?: Date
}

export interface Schedules {
  /**
   * Lists the schedules of this bus, and the schedules that the database remembers, ordered by name.
   *
   * @example for (const { name, nextTickAt } of await bus.schedules.list()) console.log(name, nextTickAt)
   */
  list(): Promise<readonly ScheduleStatus[]>
  /**
   * Publishes a tick by hand: a tick for now, or the tick of `at`, to make up for a missed one. The schedule itself goes on unchanged.
   * With `by`, it is recorded among the acts.
   *
   * @example await bus.schedules.run('reports.daily', { at: new Date('2026-11-28T05:00:00Z') })
   * @throws {PostbusError} `POSTBUS_NO_SUCH_SCHEDULE`, `POSTBUS_INVALID_OPTIONS`; what `event` throws, and what `publish` throws.
   */
  run(name: string, options?: RunOptions): Promise<PublishedEvent>
}

/** A schedule as the database remembers it. */
export interface StoredSchedule extends Pattern {
  readonly name: string
  /** All ticks up to this time are done. */
  readonly position: Date
  readonly lastTickAt: Date | null
}

export interface HeldSchedule {
  readonly position: Date
  /** By the database's clock. */
  readonly now: Date
  readonly tx: PublishTransaction
}

/** The part of a backend by which a worker publishes ticks. */
export interface ScheduleStore {
  /** Stores new schedules, which begin now. A schedule whose pattern has changed begins now with the new pattern. */
  begin(schedules: readonly Schedule[]): Promise<void>
  /** Returns all stored schedules, and the time by the database's clock. */
  look(): Promise<{ readonly now: Date; readonly schedules: readonly StoredSchedule[] }>
  /**
   * Locks a schedule while `work` publishes in the given transaction, then moves its position to the time that `work` returns. Returns `false`
   * if another process holds the schedule, or has stored another pattern for it.
   */
  hold(schedule: Schedule, work: (held: HeldSchedule) => Promise<Date | null>): Promise<boolean>
}

export interface SchedulesParts {
  readonly schedules: readonly Schedule[]
  publish(events: Envelope | readonly Envelope[], options?: PublishOptions): Promise<PublishResult>
  /** Returns the stored schedules; none, if the backend stores none. */
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
