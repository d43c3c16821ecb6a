/** Makes the context that a batch handler is given besides its events. */
import type { Envelope } from '../events/envelope.ts'
import type { BatchContext, BatchDelivery, BatchPublishOptions, MemberEvent } from '../handlers/batching.ts'
import { logWith } from '../signals.ts'
import { causedBy } from '../publishing/trace.ts'
import type { BatchCall, BatchMember } from './batch-member.ts'
import type { MemberOutcomes } from './batch-outcomes.ts'
import type { ContextParts } from './context-for.ts'
import { replayOf } from './open-envelope.ts'

export function batchContextFor(
  { handler, members, abort }: Pick<BatchCall, 'handler' | 'members' | 'abort'>,
  outcomes: MemberOutcomes,
  { emit, middleware, publish, tx }: ContextParts,
): BatchContext<MemberEvent> {
  const byId = new Map(members.map((member) => [member.event.id, member]))
  const context: BatchContext<MemberEvent> = {
    maxAttempts: handler.options.maxAttempts,
    signal: abort.signal,
    bus: middleware.bus,
    log: logWith(emit, () => ({ handler: handler.name, batchSize: members.length })),
    outcomes: Object.freeze({ set: outcomes.set.bind(outcomes) }),
    deliveryOf(event) {
      outcomes.check(event, 'context.deliveryOf()')
      return deliveryOf(byId.get(event.id) as BatchMember) // it was checked
    },
    publish(events, { causedBy: cause, ...options }: BatchPublishOptions<MemberEvent> = {}) {
      if (cause !== undefined) outcomes.check(cause, 'context.publish({ causedBy })')
      const list: readonly Envelope[] = Array.isArray(events) ? events : [events]
      const made = list.map((next) =>
        cause ? causedBy({ event: cause, handler: handler.name }, next) : by(handler.name, next),
      )
      return publish(made, tx === undefined ? options : { tx, ...options })
    },
  }
  return Object.freeze(tx === undefined ? context : { ...context, tx })
}

function deliveryOf({ delivery }: BatchMember): BatchDelivery {
  const replayId = delivery.event === null ? null : replayOf(delivery.event)
  return Object.freeze({ deliveryId: delivery.id, attempt: delivery.attempt, isReplay: replayId !== null, replayId })
}

/** For a publish without `causedBy`, which names no event of the batch as the cause. */
function by(handler: string, event: Envelope): Envelope {
  return event.causationId === null ? Object.freeze({ ...event, causedByHandler: handler }) : event
}
