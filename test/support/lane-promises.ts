/** The promises of a world of lanes so far, and which of them were broken. */
import type { ClaimedDelivery } from '../../src/deliveries/delivery.ts'
import type { Lanes, LaneRow } from './lanes.ts'
import { stuck, type PublishedTurn } from './order-checks.ts'

export class LanePromises {
  /** True if rows were deleted by hand, and no sweep has run since. */
  isDisturbed = false
  /** The keys that are paused. */
  readonly paused = new Set<string>()
  #published = new Map<string, PublishedTurn>()
  /** Events that were handled, or that have left their lane: dead and skipped, dismissed, deleted. */
  #finished = new Set<string>()
  /** Events that were handled, in a run that is not settled yet. */
  #ran = new Set<string>()
  /** Events that died. They may be delivered again after their successors. */
  #died = new Set<string>()
  #problems: string[] = []

  forget(): void {
    this.isDisturbed = false
    this.paused.clear()
    this.#published = new Map()
    this.#finished = new Set()
    this.#ran = new Set()
    this.#died = new Set()
    this.#problems = []
  }

  committed(turns: readonly PublishedTurn[]): void {
    for (const turn of turns) this.#published.set(turn.eventId, turn)
  }

  started({ id, event }: ClaimedDelivery, busy: ClaimedDelivery | undefined): void {
    const published = this.#published.get(event?.id ?? '')
    if (!published) return this.broken(`${id} began, and was never committed`)
    if (busy) this.broken(`${id} began while ${busy.id} ran in its lane`)
    if (this.#died.has(published.eventId)) return
    if (this.#finished.has(published.eventId)) this.broken(`${id} began again, though it was finished`)
    for (const earlier of this.#earlierThan(published)) {
      this.broken(`turn ${published.turn} of ${published.key} began before turn ${earlier.turn} was finished`)
    }
  }

  /** Checks deliveries that were handed out at this moment. */
  mayBegin(deliveries: readonly ClaimedDelivery[]): readonly ClaimedDelivery[] {
    for (const { id, event } of deliveries) {
      if (this.paused.has(event?.partitionKey ?? '')) this.broken(`${id} was handed out, though its key is paused`)
    }
    return deliveries
  }

  ended({ event }: ClaimedDelivery, ending: string): void {
    if (ending === 'continue') this.gone(event?.id ?? '')
    if (ending === 'done') this.#finished.add(event?.id ?? '')
  }

  ranUnsettled({ event }: ClaimedDelivery): void {
    this.#ran.add(event?.id ?? '')
  }

  /** The claim of these deliveries was lost: they run again. */
  lost(deliveries: readonly ClaimedDelivery[]): void {
    for (const { event } of deliveries) this.#ran.delete(event?.id ?? '')
  }

  /** The event has left its lane without being handled. */
  gone(eventId: string): void {
    this.#finished.add(eventId)
    this.#died.add(eventId)
  }

  broken(what: string): void {
    this.#problems.push(what)
  }

  /** Checks the committed rows. Returns the ids of the active deliveries. */
  async look({ database }: Lanes): Promise<readonly string[]> {
    const { rows } = await database.query<{ id: string; state: string; orphaned: boolean }>(
      `select job.id, job.state::text as state, job.blocked and job.group_tier is null and not exists (
        select from pgboss.job_common sibling where sibling.singleton_key = job.singleton_key
          and (sibling.state = 'active' or sibling.state < 'completed' and sibling.id < job.id)
      ) and not exists (select from postbus.pause where name = job.singleton_key) as orphaned
      from pgboss.job_common job where job.state < 'completed' order by job.id`,
    )
    for (const { id, orphaned } of rows) {
      if (orphaned && !this.isDisturbed) this.broken(`${id} is parked, and nothing that lives is before it`)
    }
    return rows.filter(({ state }) => state === 'active').map(({ id }) => id)
  }

  mustHold(): void {
    if (this.#problems.length > 0) throw new Error(this.#problems.join('\n'))
  }

  mustBeFinished(live: readonly LaneRow[]): void {
    for (const problem of stuck(live)) this.broken(problem)
    for (const { eventId, key } of this.#published.values()) {
      if (!this.#finished.has(eventId)) this.broken(`${eventId} of ${key} was lost`)
    }
    this.mustHold()
  }

  #earlierThan({ key, turn }: PublishedTurn): readonly PublishedTurn[] {
    if (turn === null) return []
    return [...this.#published.values()].filter(
      (one) =>
        one.key === key &&
        one.turn !== null &&
        one.turn < turn &&
        !this.#finished.has(one.eventId) &&
        !this.#ran.has(one.eventId),
    )
  }
}
