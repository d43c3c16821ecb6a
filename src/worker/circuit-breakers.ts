/**
 * Circuit breakers: a handler whose attempts fail too often pauses, in all processes at once. The database counts (see `deliveries/pace.ts`).
 *
 * An attempt can fail while the handler is paused, because it was already running or was the probe. Then its delivery comes back later,
 * and no attempt is used up. So an outage of the handler's target uses up only as many attempts as the breaker allows failures, and no
 * delivery dies while the handler is paused.
 */
import { performance, setTimeout } from '../clock.ts'
import { reasonOf } from '../attempt/attempt-error.ts'
import { isWorthRetrying } from '../attempt/outcome-of.ts'
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import type { PaceStore } from '../deliveries/pace.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { Outcome } from '../handlers/outcome.ts'
import type { Emit } from '../signals.ts'

/** After an attempt that ended well, we ask the database whether it was the probe, at most this often. */
const ASK_EVERY_MS = 500

export class CircuitBreakers {
  readonly #store: Pick<PaceStore, 'circuitFailed' | 'circuitPassed'>
  readonly #emit: Emit
  /** When we last asked about each handler's pause, or will ask next. */
  readonly #askedAt = new Map<string, number>()

  constructor(store: Pick<PaceStore, 'circuitFailed' | 'circuitPassed'>, emit: Emit) {
    this.#store = store
    this.#emit = emit
  }

  /** Returns what becomes of the attempt. */
  async concluded(delivery: ClaimedDelivery, handler: AnyHandler, outcome: Outcome): Promise<Outcome> {
    if (outcome.is === 'done' || outcome.is === 'skipped' || outcome.is === 'awaiting') this.#passed(handler)
    if (outcome.is !== 'retry' && outcome.is !== 'dead') return outcome
    if (outcome.error === null || !isWorthRetrying(handler, outcome.error)) return outcome
    return this.#failed(delivery, handler, outcome)
  }

  async #failed(
    delivery: ClaimedDelivery,
    { name: handler, options: { circuitBreaker } }: AnyHandler,
    outcome: Extract<Outcome, { is: 'retry' | 'dead' }>,
  ): Promise<Outcome> {
    if (!circuitBreaker) return outcome
    const { failures, perMs, pauseMs } = circuitBreaker
    const error = reasonOf(outcome.error)
    const reason = `${failures} attempts failed within ${perMs} ms, the last one of: ${error}`.slice(0, 500)
    const after = await this.#store
      .circuitFailed({ handler, failures, perMs, pauseMs, reason })
      .catch(() => 'counted' as const) // claims report an unreachable database
    if (after === 'counted') return outcome
    const fields = { handler, deliveryId: delivery.id, pauseMs }
    if (after === 'opened') {
      this.#emit(
        'warn',
        'circuit.opened',
        `${handler} pauses: ${reason}. After ${pauseMs} ms one attempt probes.`,
        fields,
      )
      return outcome
    }
    this.#emit(
      'debug',
      'circuit.open',
      `${handler} is paused, and an attempt failed of: ${error}. It used up nothing.`,
      fields,
    )
    return { is: 'snoozed', delayMs: pauseMs }
  }

  /** Asks whether this attempt was the probe: at once or, if we asked a moment ago, a little later. */
  #passed({ name }: AnyHandler): void {
    const now = performance.now()
    const askedAt = this.#askedAt.get(name) ?? -Infinity
    if (askedAt > now) return
    const waitMs = Math.max(0, askedAt + ASK_EVERY_MS - now)
    this.#askedAt.set(name, now + waitMs)
    if (waitMs === 0) void this.#ask(name)
    else setTimeout(() => void this.#ask(name), waitMs).unref()
  }

  async #ask(handler: string): Promise<void> {
    const was = await this.#store.circuitPassed(handler).catch(() => false)
    if (was) this.#emit('info', 'circuit.closed', `${handler} goes on: an attempt has ended well.`, { handler })
  }
}
