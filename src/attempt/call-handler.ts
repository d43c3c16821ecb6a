/** One handler called with one event in this process, without a stored delivery: as in a worker, but nothing is settled. */
import { createHash } from 'node:crypto'
import type { ClaimedDelivery, StoredEvent } from '../deliveries/delivery.ts'
import type { Envelope } from '../events/envelope.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { HandlerContext } from '../handlers/handler-context.ts'
import type { PublishOptions, PublishResult } from '../events/publish-result.ts'
import type { Emit } from '../signals.ts'
import type { Transaction } from '../transactions/transaction.ts'
import { answerOf, type Answer } from './run-attempt.ts'
import { contextFor, reportOverdue } from './attempt-context.ts'

export interface HandlerCall {
  readonly handler: AnyHandler
  /** The event as it would be stored, and the copy of it that the handler gets. */
  readonly stored: StoredEvent
  readonly event: Envelope
  readonly attempt: number
  /** For `context.tx`. */
  readonly tx: Transaction | undefined
}

export interface CallSurroundings {
  readonly emit: Emit
  publish(events: Envelope | readonly Envelope[], options?: PublishOptions): Promise<PublishResult>
}

/** Runs the handler under its timeout, with a worker's context and `tx` in it. Never rejects. */
export function callHandler(call: HandlerCall, around: CallSurroundings): Promise<Answer> {
  const abort = new AbortController()
  const delivery = deliveryOf(call)
  return answerOf(delivery, call.handler, call.event, {
    abort,
    contextFor: (event, handler) => {
      const context = contextFor(publishingIn(call.tx, around), delivery, event, handler, abort.signal)
      return withTransaction(context, call.tx)
    },
    onOverdue: () => reportOverdue(around.emit, delivery),
  })
}

/** What the handler publishes belongs to the same transaction, unless it says otherwise. */
function publishingIn(tx: Transaction | undefined, { emit, publish }: CallSurroundings): CallSurroundings {
  if (tx === undefined) return { emit, publish }
  return { emit, publish: (events, options = {}) => publish(events, 'tx' in options ? options : { ...options, tx }) }
}

function withTransaction(context: HandlerContext, tx: Transaction | undefined): HandlerContext {
  return tx === undefined ? context : Object.freeze({ ...context, tx })
}

function deliveryOf({ handler, stored, attempt }: HandlerCall): ClaimedDelivery {
  return {
    id: deliveryId(stored.id, handler.name),
    queue: handler.options.queue,
    handler: handler.name,
    claim: 0,
    attempt,
    event: stored,
  }
}

/** As in the database the same for every attempt, and another one for every event and handler. */
function deliveryId(eventId: string, handler: string): string {
  const hex = createHash('sha256').update(`${eventId} ${handler}`).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}
