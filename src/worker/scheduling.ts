/**
 * Publishes ticks: every worker sleeps until the next tick of its bus's schedules, and then offers to publish it; one worker does. A failure is
 * reported and tried again, for each schedule apart. Without schedules there is no statement and no timer.
 */
import { performance, sleep } from '../clock.ts'
import type { ScheduleStore, SchedulesParts, StoredSchedule } from '../deliveries/schedules.ts'
import { safeTextOfError } from '../error-text.ts'
import { eventOf, type Schedule } from '../schedules/schedule.ts'
import { dueTicks, nextTick } from '../schedules/ticks.ts'
import type { Emit } from '../signals.ts'

/** No sleep is longer: the database's clock may be set, and another worker may have begun with another pattern. */
const LONGEST_SLEEP_MS = 600_000
/** The wait when another worker holds the schedule, or the database does not answer. */
const AGAIN_MS = 1_000
const LONGEST_RETRY_MS = 60_000

export interface SchedulingParts extends Pick<SchedulesParts, 'schedules' | 'publish'> {
  readonly store: ScheduleStore
  readonly emit: Emit
}

/** `null`: there are no schedules. */
export async function keepSchedules(parts: SchedulingParts | null, over: AbortSignal): Promise<void> {
  if (parts === null) return
  const scheduling = new Scheduling(parts)
  while (!over.aborted) {
    // Others report an unreachable database.
    const waitMs = await scheduling.turn().catch(() => AGAIN_MS)
    await sleep(waitMs, over)
  }
}

/** Publishes what is due now, for a drain. */
export async function publishDueTicks(parts: SchedulingParts | null): Promise<void> {
  if (parts === null) return
  const scheduling = new Scheduling(parts)
  for (let waitMs = 0; waitMs === 0;) waitMs = await scheduling.turn()
}

class Scheduling {
  readonly #parts: SchedulingParts
  #hasBegun = false
  /** How often in a row a schedule has failed, and when it is tried again, by `performance.now()`. */
  readonly #failures = new Map<string, { readonly count: number; readonly retryAt: number }>()

  constructor(parts: SchedulingParts) {
    this.#parts = parts
  }

  /** Publishes the ticks that are due. Returns the wait until the next turn; 0: there may be more. */
  async turn(): Promise<number> {
    const { schedules, store } = this.#parts
    if (!this.#hasBegun) await store.begin(schedules)
    this.#hasBegun = true
    const { now, schedules: rows } = await store.look()
    const known = new Map(rows.map((row) => [row.name, row]))
    let waitMs = LONGEST_SLEEP_MS
    for (const schedule of schedules) {
      const dueMs = this.#dueIn(schedule, known.get(schedule.name), now)
      waitMs = Math.min(waitMs, dueMs > 0 ? dueMs : await this.#publish(schedule))
    }
    return waitMs
  }

  #dueIn(schedule: Schedule, row: StoredSchedule | undefined, now: Date): number {
    if (row?.cron !== schedule.cron || row.timeZone !== schedule.timeZone) return LONGEST_SLEEP_MS
    const tick = nextTick(schedule, row.position)
    if (tick === null) return LONGEST_SLEEP_MS
    const retryInMs = (this.#failures.get(schedule.name)?.retryAt ?? 0) - performance.now()
    return Math.max(tick.getTime() - now.getTime(), retryInMs)
  }

  async #publish(schedule: Schedule): Promise<number> {
    const { publish, store } = this.#parts
    try {
      const wasOurs = await store.hold(schedule, async ({ position, now, tx }) => {
        const { ticks, upTo } = dueTicks(schedule, position, now)
        const events = ticks.map(({ at, isMissed }) => eventOf(schedule, at, isMissed))
        if (events.length > 0) await publish(events, { tx })
        return upTo
      })
      this.#failures.delete(schedule.name)
      return wasOurs ? 0 : AGAIN_MS
    } catch (error) {
      return this.#failed(schedule, error)
    }
  }

  #failed({ name }: Schedule, error: unknown): number {
    const count = (this.#failures.get(name)?.count ?? 0) + 1
    const retryInMs = Math.min(AGAIN_MS * 2 ** (count - 1), LONGEST_RETRY_MS)
    this.#failures.set(name, { count, retryAt: performance.now() + retryInMs })
    const message = `Schedule "${name}": its tick could not be published, and is tried again: ${safeTextOfError(error)}`
    this.#parts.emit('error', 'schedule.failed', message, { schedule: name, failures: count, retryInMs })
    return retryInMs
  }
}
