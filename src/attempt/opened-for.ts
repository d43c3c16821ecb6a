/** Opens a claimed delivery for its handler: returns the event as the handler gets it, or the outcome if the handler is not called. */
import type { ClaimedDelivery, StoredEvent } from '../deliveries/delivery.ts'
import type { Envelope } from '../events/envelope.ts'
import { PostbusError } from '../errors.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { ShadowEvent } from '../handlers/listens-to.ts'
import type { Registry } from '../handlers/registry.ts'
import { toldOrTimedOut } from './awaited.ts'
import { noLongerWanted } from './no-longer-wanted.ts'
import type { Undecided } from './on-dead.ts'
import { isUnasked, uninterestedIn } from './interest.ts'
import { openedOrError } from './open-envelope.ts'
import { dead, eventGone, usedUp } from './outcome-of.ts'
import { shadowOrError, type FetchParts } from './shadow-event.ts'
import { versionMisfit } from './version-misfit.ts'

export interface OpeningParts extends FetchParts {
  readonly registry: Pick<Registry, 'readingOf'>
}

/** `isUnasked`: the handler was not asked yet whether it is interested, and the question needs data from the database. */
export type OpenedFor =
  | { readonly is: 'opened'; readonly event: Envelope | ShadowEvent; readonly isUnasked?: true }
  | { readonly is: 'not-called'; readonly outcome: Undecided }

export function openedFor(delivery: ClaimedDelivery, handler: AnyHandler, parts: OpeningParts): OpenedFor {
  const stored = delivery.event
  if (!stored) return notCalled(dead(handler, eventGone(delivery)))
  const unwanted = noLongerWanted(stored)
  if (unwanted) return notCalled(unwanted)
  const ended = toldOrTimedOut(delivery, stored, handler)
  if (ended) return notCalled(ended)
  const reading = parts.registry.readingOf(handler, stored)
  const misfit = versionMisfit(handler, stored, reading)
  if (misfit) return notCalled(misfit)
  if (delivery.attempt > handler.options.maxAttempts) return notCalled(usedUp(delivery, handler))

  if (handler.isShadow) return openedShadow(shadowOrError(stored, reading, parts), stored, handler)
  const event = openedOrError(stored, reading, parts.codec)
  if (event instanceof PostbusError) return notCalled(dead(handler, event))
  const uninterested = uninterestedIn(event, delivery, handler)
  return uninterested ? notCalled(uninterested) : { is: 'opened', event }
}

function openedShadow(event: ShadowEvent | PostbusError, stored: StoredEvent, handler: AnyHandler): OpenedFor {
  if (event instanceof PostbusError) return notCalled(dead(handler, event))
  return { is: 'opened', event, ...(isUnasked(stored) && handler.interested !== null && { isUnasked: true }) }
}

function notCalled(outcome: Undecided): OpenedFor {
  return { is: 'not-called', outcome }
}
