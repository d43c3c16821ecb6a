/** Opens what was claimed for its handler: the event as the handler gets it, or what becomes of the delivery without a call. */
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import type { Envelope } from '../events/envelope.ts'
import { PostbusError } from '../errors.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { ShadowEvent } from '../handlers/listens-to.ts'
import type { Registry } from '../handlers/registry.ts'
import { toldOrTimedOut } from './awaited.ts'
import { noLongerWanted } from './no-longer-wanted.ts'
import type { Undecided } from './on-dead.ts'
import { openedOrError } from './open-envelope.ts'
import { dead, eventGone, usedUp } from './outcome-of.ts'
import { shadowOrError, type FetchParts } from './shadow-event.ts'
import { versionMisfit } from './version-misfit.ts'

export interface OpeningParts extends FetchParts {
  readonly registry: Pick<Registry, 'readingOf'>
}

export type OpenedFor =
  | { readonly is: 'opened'; readonly event: Envelope | ShadowEvent }
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

  const event = handler.isShadow ? shadowOrError(stored, reading, parts) : openedOrError(stored, reading, parts.codec)
  return event instanceof PostbusError ? notCalled(dead(handler, event)) : { is: 'opened', event }
}

function notCalled(outcome: Undecided): OpenedFor {
  return { is: 'not-called', outcome }
}
