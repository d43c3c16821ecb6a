/**
 * Keeps the claims of one worker alive from the moment in which they arrive: the heartbeats learn of a claim before its handler
 * begins, because a handler may compute without a pause, and nothing else runs then.
 */
import { delay, performance } from '../clock.ts'
import type { ClaimedDelivery, Settlement } from '../deliveries/delivery.ts'
import type { DeliveryStore } from '../deliveries/delivery-store.ts'
import type { Heartbeats } from '../deliveries/heartbeats.ts'
import type { Emit } from '../signals.ts'
import type { WorkPlan } from './work-plan.ts'

/** If an answer takes longer, its claims are checked. This is well below the time after which a claim is taken over. */
const LATE_MS = 3_000
/** Pulses come twice a second: after this time without one, the event loop has stood still. */
const STALL_MS = 2_000
const AFTER_STALL_MS = 250

export interface KeptParts {
  readonly store: DeliveryStore
  /** `null`: only the main thread keeps claims. */
  readonly heartbeats: Heartbeats | null
  /** For how long the event loop may stand still before a claim of this handler is given up. */
  limitMs(handler: string): number
}

export class KeptClaims {
  /** The worker's store, which hears of every claim and every settle. */
  readonly store: DeliveryStore
  readonly #parts: KeptParts
  readonly #held = new Map<string, ClaimedDelivery>()
  #pulsedAt = performance.now()
  #stalledUntil = -Infinity

  constructor(parts: KeptParts) {
    const { store } = parts
    this.#parts = parts
    this.store = {
      ...store,
      claim: async (queue, limit, bounds) => {
        await this.#lettingSettlesGoFirst()
        const askedAt = performance.now()
        const claimed = await store.claim(queue, limit, bounds)
        const deliveries = await this.#stillOurs(queue, claimed.deliveries, askedAt)
        this.#hold(deliveries)
        return { ...claimed, deliveries }
      },
      settle: async (queue, settlements) => {
        const askedAt = performance.now()
        this.#hold(settlements.flatMap(({ movesTo = [] }) => movesTo))
        const settled = await store.settle(queue, settlements)
        this.#release(settlements.flatMap((one) => endedBy(one, settled.ours)))
        const ours = new Set(await this.#stillOurs(queue, [...settled.next.values()], askedAt))
        this.#hold([...ours])
        return { ...settled, next: new Map([...settled.next].filter(([, next]) => ours.has(next))) }
      },
    }
  }

  /** What is claimed and not settled. */
  get held(): readonly ClaimedDelivery[] {
    return [...this.#held.values()]
  }

  /** Called while the event loop runs, twice a second. */
  pulse(): void {
    const now = performance.now()
    if (now - this.#pulsedAt > STALL_MS) this.#stalledUntil = now
    this.#pulsedAt = now
    this.#parts.heartbeats?.pulse()
  }

  async stop(): Promise<void> {
    await this.#parts.heartbeats?.stop()
  }

  /**
   * When the event loop runs again after a stall, the attempts that ended meanwhile are about to be settled. Their claims may have been
   * taken over and be due again. A claim of our own must not come before those settles: it would run the delivery once more.
   */
  async #lettingSettlesGoFirst(): Promise<void> {
    const now = performance.now()
    const isAfterStall = now - this.#stalledUntil < AFTER_STALL_MS || now - this.#pulsedAt > STALL_MS
    if (isAfterStall && this.#held.size > 0) await delay(AFTER_STALL_MS)
  }

  /**
   * Returns the claims that are still ours. If an answer came late, or was read late because the event loop stood still, no heartbeat
   * has kept its claims. Those that were taken over meanwhile must not begin. They have not run, so they are given back, unless
   * another worker has claimed them.
   */
  async #stillOurs(
    queue: string,
    claimed: readonly ClaimedDelivery[],
    askedAt: number,
  ): Promise<readonly ClaimedDelivery[]> {
    if (claimed.length === 0 || performance.now() - askedAt < LATE_MS) return claimed
    const { store } = this.#parts
    const ours = await store.keep(queue, claimed).catch(() => new Set<string>())
    const lost = claimed.filter(({ id }) => !ours.has(id))
    if (lost.length > 0) {
      const unrun = lost.map((delivery) => ({ delivery, is: 'later', delayMs: 0 }) as const)
      await store.settle(queue, unrun).catch(() => undefined) // then the attempt counts as used
    }
    return claimed.filter(({ id }) => ours.has(id))
  }

  #hold(deliveries: readonly ClaimedDelivery[]): void {
    const { heartbeats, limitMs } = this.#parts
    for (const delivery of deliveries) this.#held.set(delivery.id, delivery)
    heartbeats?.hold(deliveries.map((delivery) => ({ delivery, limitMs: limitMs(delivery.handler) })))
  }

  #release(deliveries: readonly ClaimedDelivery[]): void {
    for (const { id, claim } of deliveries) if (this.#held.get(id)?.claim === claim) this.#held.delete(id)
    this.#parts.heartbeats?.release(deliveries)
  }
}

interface Keeper {
  readonly store: DeliveryStore
  readonly shutdownGraceMs: number
  readonly emit: Emit
}

/** Makes the kept claims of a worker, with heartbeats from a thread if one can be started. */
export async function keptClaims({ store, shutdownGraceMs, emit }: Keeper, { queues, limitsOf }: WorkPlan) {
  const sayWhy = (why: string) => {
    const message = `Heartbeats are sent from the main thread only (${why}): a handler that computes for 10 s without a pause loses its claim.`
    emit('warn', 'heartbeats.on-main-thread', message, { reason: why })
  }
  const heartbeats = (await store.heartbeats?.([...queues.keys()], sayWhy)) ?? null
  return new KeptClaims({ store, heartbeats, limitMs: (handler) => limitsOf(handler).timeoutMs + shutdownGraceMs })
}

/** Returns the deliveries that a settlement ends. If a run was lost, that includes the one to which its claim was to move. */
function endedBy({ delivery, ran = [], movesTo }: Settlement, ours: ReadonlySet<string>): readonly ClaimedDelivery[] {
  const ended = [...ran.map((one) => one.delivery), delivery]
  return movesTo && !ours.has(delivery.id) ? [...ended, movesTo] : ended
}
