/** One attempt at a batch of deliveries: which of them can be in it, and what becomes of each. */
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { Outcome } from '../handlers/outcome.ts'
import { answersTo } from './batch-answers.ts'
import type { BatchMember } from './batch-member.ts'
import { decided } from './on-dead.ts'
import { openedFor } from './opened-for.ts'
import { outcomeOf } from './outcome-of.ts'
import type { AttemptParts } from './run-attempt.ts'

/** Returns what became of a member. It can reject, as an attempt can: see `concluded-attempt.ts`. */
export type OutcomeOf = (delivery: ClaimedDelivery) => Promise<Outcome>

export interface BatchAttempts {
  /** The batch handler of this name; `null` when there is none, or it takes one event at a time. */
  handlerNamed(name: string): AnyHandler | null
  /** Opens a claimed delivery; `null` when the handler must not be called for it: the delivery then ends by an attempt of its own. */
  open(delivery: ClaimedDelivery, handler: AnyHandler): BatchMember | null
  /** Calls the handler. Never rejects. */
  run(handler: AnyHandler, members: readonly BatchMember[], abort: AbortController): Promise<OutcomeOf>
}

/** Attempts at batches with these parts. */
export function batchAttemptsWith(parts: AttemptParts): BatchAttempts {
  return {
    handlerNamed(name) {
      const handler = parts.registry.handlerNamed(name)
      return handler?.batch ? handler : null
    },
    open(delivery, handler) {
      const opened = openedFor(delivery, handler, parts)
      return opened.is === 'opened' && !opened.isUnasked ? { delivery, event: opened.event } : null
    },
    async run(handler, members, abort) {
      const answerFor = await answersTo({ handler, members, abort }, parts)
      const eventIds = new Map(members.map(({ delivery, event }) => [delivery.id, event.id]))
      return async (delivery) => {
        const answer = answerFor(eventIds.get(delivery.id) ?? '')
        return decided(delivery, handler, outcomeOf(delivery, handler, answer), parts)
      }
    },
  }
}
