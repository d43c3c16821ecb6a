/** Decides whether a dead delivery holds its key: by the handler's `onDead`, which may be a function. */
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import { PostbusError } from '../errors.ts'
import type { Envelope } from '../events/envelope.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { ShadowEvent } from '../handlers/listens-to.ts'
import type { Outcome } from '../handlers/outcome.ts'
import type { Registry } from '../handlers/registry.ts'
import type { Emit } from '../signals.ts'
import { reasonOf } from './attempt-error.ts'
import { fieldsOf } from './attempt-signals.ts'
import { openedOrError } from './open-envelope.ts'
import { shadowOrError, type FetchParts } from './shadow-event.ts'

type Dead = Extract<Outcome, { is: 'dead' }>

/** An outcome for which an `onDead` function has not been called yet. */
export type Undecided =
  Exclude<Outcome, Dead> | (Omit<Dead, 'onDead'> & { readonly onDead: AnyHandler['options']['onDead'] })

interface Asking extends FetchParts {
  readonly registry: Pick<Registry, 'readingOf'>
  readonly emit: Emit
}

/** If the function cannot be called, throws, or returns another value, the key is held: that keeps its order until an operator has looked. */
export function decided(delivery: ClaimedDelivery, handler: AnyHandler, outcome: Undecided, parts: Asking): Outcome {
  if (outcome.is !== 'dead') return outcome
  const { onDead } = outcome
  if (typeof onDead !== 'function') return { ...outcome, onDead }

  const event = eventFor(delivery, handler, parts)
  if (event === null) return { ...outcome, onDead: 'block' }
  const error = outcome.error ?? new PostbusError('POSTBUS_ATTEMPT_FAILED', outcome.reason)
  return { ...outcome, onDead: answerOf(() => onDead(error, event as never), delivery, parts.emit) }
}

/** Returns the event as the handler gets it; `null` when it cannot be opened. */
function eventFor({ event }: ClaimedDelivery, handler: AnyHandler, parts: Asking): Envelope | ShadowEvent | null {
  if (event === null) return null
  const reading = parts.registry.readingOf(handler, event)
  if (reading.is !== 'as-stored' && reading.is !== 'upcast') return null
  const opened = handler.isShadow ? shadowOrError(event, reading, parts) : openedOrError(event, reading, parts.codec)
  return opened instanceof PostbusError ? null : opened
}

function answerOf(ask: () => unknown, delivery: ClaimedDelivery, emit: Emit): Dead['onDead'] {
  let problem: string
  try {
    const answer = ask()
    if (answer === 'continue' || answer === 'block') return answer
    problem = `returned ${typeof answer === 'string' ? JSON.stringify(answer.slice(0, 40)) : typeof answer}, expected 'continue' or 'block'`
  } catch (error) {
    problem = `threw: ${reasonOf(error)}`
  }
  const message = `${delivery.handler}: its \`onDead\` ${problem}. The key is held until an operator acts.`
  emit('error', 'on-dead.failed', message, fieldsOf(delivery))
  return 'block'
}
