/** Workers that a test moves by hand, one step at a time. Their starts and ends are written into a trace in memory. */
import type { ClaimedDelivery, Settlement } from '../../src/deliveries/delivery.ts'
import type { Queryable } from '../../src/backends/postgres/connection.ts'
import { done, type Lanes } from './lanes.ts'
import { outOfOrder, overtaken, stuck, type PublishedTurn } from './order-checks.ts'
import type { TraceEntry, TraceStep } from './trace.ts'
import { overlaps, type Interruption } from './trace-checks.ts'

/** A drain that needs more claims than this counts as endless. */
const MAX_CLAIMS = 200

export class LaneCrew {
  readonly trace: TraceEntry[] = []
  readonly published: PublishedTurn[] = []
  readonly interruptions: Interruption[] = []
  readonly #lanes: Lanes

  constructor(lanes: Lanes) {
    this.#lanes = lanes
  }

  /** Publishes a key's next turns, one transaction after the other, as publishers with its row lock do. */
  async publish(key: string, turns: readonly number[]): Promise<void> {
    for (const turn of turns) {
      this.published.push({ eventId: await this.#lanes.publish(key, undefined, turn), key, turn })
    }
  }

  /** Claims, up to the handler's `free` slots if it is limited, and starts what it got. */
  async claim(
    worker: number,
    over: Queryable = this.#lanes.database,
    free?: number,
  ): Promise<readonly ClaimedDelivery[]> {
    const { deliveries } = await this.#lanes.claim(over, 10, free)
    for (const delivery of deliveries) this.note('start', worker, delivery)
    return deliveries
  }

  /** Ends a run, settles it, and starts the delivery that the settle hands out. */
  async finish(
    worker: number,
    settlement: Settlement,
    over: Queryable = this.#lanes.database,
  ): Promise<ClaimedDelivery | null> {
    const { delivery } = settlement
    this.note(settlement.is === 'done' ? 'end' : 'fail', worker, delivery)
    const { next } = await this.#lanes.settle(over, [settlement])
    const following = next.get(delivery.id) ?? null
    if (following) this.note('start', worker, following)
    return following
  }

  /** The worker dies, and its runs with it. */
  dies(worker: number): void {
    this.interruptions.push({ pid: worker, from: this.trace.length })
  }

  /** Works until nothing can be claimed any more. */
  async drain(worker = 9): Promise<void> {
    for (let claims = 0; claims < MAX_CLAIMS; claims += 1) {
      const deliveries = await this.claim(worker)
      for (const delivery of deliveries) await this.finish(worker, done(delivery))
      if (deliveries.length === 0) return
    }
    throw new Error(`After ${MAX_CLAIMS} claims there is still something to claim.`)
  }

  /** Lists what is wrong at a time when all should be done. */
  async problems(): Promise<readonly string[]> {
    return [
      ...outOfOrder(this.published, this.trace),
      ...overtaken(this.published, this.trace),
      ...overlaps(this.trace, this.interruptions),
      ...stuck(await this.#lanes.live()),
    ]
  }

  note(step: TraceStep, pid: number, { handler, event, attempt }: ClaimedDelivery): void {
    const key = event?.partitionKey ?? null
    this.trace.push({
      handler,
      eventId: event?.id ?? '',
      key,
      attempt,
      pid,
      step,
      reason: null,
      at: this.trace.length + 1,
    })
  }
}
