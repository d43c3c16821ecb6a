/**
 * Finds the ticks of a cron pattern in its time zone. When clocks go forward, a tick in the skipped hour comes at the end of the gap. When they
 * go back, a daily tick in the repeated hour comes once, the first time; an hourly tick comes both times.
 */
import { Cron } from 'croner'

/** What to do with ticks that passed while no worker was running. */
export type Missed = 'latest' | 'all' | 'none'

/** A cron pattern and its time zone. Together they determine the ticks. */
export interface Pattern {
  readonly cron: string
  readonly timeZone: string
}

/** A tick that is published later than this counts as missed. */
const LATE_MS = 60_000
/** The most ticks that are published in one transaction. */
const MOST_AT_ONCE = 100
/** We look for the latest tick in longer and longer stretches before now. So we do not step through a whole year of a pattern with seconds. */
const STRETCHES_MS = [60_000, 3_600_000, 86_400_000, 35 * 86_400_000]
/** Minute, hour, day, month, day of the week; perhaps seconds before them. */
const FIELDS = [5, 6]

/** Why a pattern cannot be used, as the end of a sentence; `null`: it can. */
export function cronProblem(cron: string, timeZone: string): string | null {
  const text = cron.trim()
  const isNickname = text.startsWith('@')
  if (!isNickname && !FIELDS.includes(text.split(/\s+/).length))
    return 'is not a cron pattern: expected five fields, such as "0 6 * * *", or six with seconds before them.'
  try {
    return nextTick({ cron, timeZone }, new Date()) === null ? 'never comes: no date fits it.' : null
  } catch (error) {
    return `is not a cron pattern: ${error instanceof Error ? error.message : String(error)}`
  }
}

export function isTimeZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

/** The first tick after this time; `null`: there is none. */
export function nextTick({ cron, timeZone }: Pattern, after: Date): Date | null {
  return new Cron(cron, { timezone: timeZone, paused: true }).nextRun(after)
}

/** The ticks to publish now. */
export interface DueTicks {
  readonly ticks: readonly { readonly at: Date; readonly isMissed: boolean }[]
  /** The schedule is done up to this time when these ticks are published; `null`: no tick has come. */
  readonly upTo: Date | null
  /** Whether more ticks may be due right now. */
  readonly hasMore: boolean
}

/** Returns the due ticks of a schedule that is done up to `after`. */
export function dueTicks(schedule: Pattern & { readonly missed: Missed }, after: Date, now: Date): DueTicks {
  const all = schedule.missed === 'all'
  const found = all ? ticksIn(schedule, after, now, MOST_AT_ONCE) : latestIn(schedule, after, now)
  const ticks = found.map((at) => ({ at, isMissed: now.getTime() - at.getTime() > LATE_MS }))
  return {
    ticks: schedule.missed === 'none' ? ticks.filter(({ isMissed }) => !isMissed) : ticks,
    upTo: found.at(-1) ?? null,
    hasMore: all && found.length === MOST_AT_ONCE,
  }
}

/** Whether a tick is so late that something must be wrong. */
export function isOverdue(tick: Date | null, now: Date): boolean {
  return tick !== null && now.getTime() - tick.getTime() > 2 * LATE_MS
}

function latestIn(pattern: Pattern, after: Date, now: Date): readonly Date[] {
  for (const stretch of STRETCHES_MS) {
    const from = now.getTime() - stretch
    if (from <= after.getTime()) break
    const found = ticksIn(pattern, new Date(from), now, Infinity)
    if (found.length > 0) return found.slice(-1)
  }
  return ticksIn(pattern, after, now, Infinity).slice(-1)
}

function ticksIn(pattern: Pattern, after: Date, now: Date, most: number): readonly Date[] {
  const cron = new Cron(pattern.cron, { timezone: pattern.timeZone, paused: true })
  const found: Date[] = []
  for (let tick = cron.nextRun(after); tick && tick <= now && found.length < most; tick = cron.nextRun(tick)) {
    found.push(tick)
  }
  return found
}
