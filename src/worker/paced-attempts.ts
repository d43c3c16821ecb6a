/** Paces the attempts of handlers with a rate limit or a circuit breaker: they begin in turn, and the breaker learns how they end. */
import type { Attempt } from '../attempt/run-attempt.ts'
import type { PaceStore } from '../deliveries/pace.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { Emit } from '../signals.ts'
import { CircuitBreakers } from './circuit-breakers.ts'
import { Pacer } from './pacer.ts'

export interface PacedAttempts {
  readonly attempt: Attempt
  /** `null`: no handler has a rate limit. */
  readonly pacer: Pacer | null
}

/** Returns `attempt` unchanged if there are no such handlers. */
export function pacedAttempts(
  attempt: Attempt,
  {
    handlers,
    store,
    emit,
  }: { readonly handlers: readonly AnyHandler[]; readonly store: PaceStore; readonly emit: Emit },
): PacedAttempts {
  const limited = handlers.some(({ options }) => options.rateLimit)
  const broken = new Map(handlers.filter(({ options }) => options.circuitBreaker).map((one) => [one.name, one]))
  const pacer = limited ? new Pacer(handlers, store) : null
  return { pacer, attempt: withBreakers(withPace(attempt, pacer), broken, new CircuitBreakers(store, emit)) }
}

/** Each attempt asks for its turn before the call returns, so the next claim already counts it as waiting. */
function withPace(attempt: Attempt, pacer: Pacer | null): Attempt {
  if (!pacer) return attempt
  return (delivery, abort) => {
    if (!pacer.isPaced(delivery.handler)) return attempt(delivery, abort)
    return pacer
      .turn(delivery.handler, abort.signal)
      .then((delayMs) => (delayMs > 0 ? { is: 'snoozed', delayMs } : attempt(delivery, abort)))
  }
}

function withBreakers(attempt: Attempt, handlers: ReadonlyMap<string, AnyHandler>, breakers: CircuitBreakers): Attempt {
  if (handlers.size === 0) return attempt
  return (delivery, abort) => {
    const handler = handlers.get(delivery.handler)
    const outcome = attempt(delivery, abort)
    return handler ? Promise.resolve(outcome).then((ended) => breakers.concluded(delivery, handler, ended)) : outcome
  }
}
