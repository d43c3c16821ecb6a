/** The signals that the bus emits about attempts. Attempts without a problem emit none. */
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import type { Envelope } from '../events/envelope.ts'
import type { Outcome } from '../handlers/outcome.ts'
import type { Emit } from '../signals.ts'
import { attemptError, reasonOf } from './attempt-error.ts'

export function reportOutcome(emit: Emit, delivery: ClaimedDelivery, outcome: Outcome): void {
  const who = `${delivery.handler} for ${delivery.event?.type ?? 'an event'} ${delivery.event?.id ?? ''}`
  const fields = fieldsOf(delivery)
  switch (outcome.is) {
    case 'done':
    case 'skipped':
    case 'expired':
    case 'superseded':
    case 'cancelled':
    case 'snoozed':
    case 'awaiting':
      return
    case 'retry': {
      const { message } = attemptError(outcome.error, delivery.attempt, new Date())
      emit('warn', 'attempt.failed', `${who}: attempt ${delivery.attempt} failed: ${message}`, {
        ...fields,
        retryInMs: outcome.delayMs,
      })
      return
    }
    case 'put-back':
      emit('warn', 'delivery.put-back', outcome.reason.message, { ...fields, code: outcome.reason.code })
      return
    case 'dead':
      emit(
        'error',
        'delivery.dead',
        `${who}: dead after attempt ${delivery.attempt}: ${attemptError(outcome.reason, 0, new Date()).message}`,
        fields,
      )
  }
}

export function reportOverdue(emit: Emit, delivery: ClaimedDelivery): void {
  const problem =
    'ignores its signal after its time is over. Its claim is kept until it returns; pass context.signal on.'
  emit('error', 'attempt.overdue', `${delivery.handler} ${problem}`, fieldsOf(delivery))
}

/** Reports an attempt that gave no outcome: a query failed, or the handler's result cannot be read. */
export function reportTrouble(emit: Emit, delivery: ClaimedDelivery, what: string, error: unknown): void {
  const { id, handler, attempt } = delivery
  const fields = { deliveryId: id, handler, attempt }
  emit('error', 'worker.error', `${handler}: ${what} ${reasonOf(error)}`, fields)
}

/** Names the delivery, its handler, attempt and event beside a message. */
export function fieldsOf(delivery: ClaimedDelivery): Readonly<Record<string, unknown>> {
  const { id, handler, attempt, event } = delivery
  return { deliveryId: id, handler, attempt, eventId: event?.id ?? null, eventType: event?.type ?? null }
}

const TRACE_ID = /^[0-9a-f]{2}-([0-9a-f]{32})-/

/** The fields that connect a line of a handler's log with others: key, correlation id, and the trace that published the event. */
export function traceOf({
  partitionKey,
  correlationId,
  metadata,
}: Pick<Envelope, 'partitionKey' | 'correlationId' | 'metadata'>): Readonly<Record<string, unknown>> {
  const { traceparent } = metadata
  const [, traceId] = (typeof traceparent === 'string' && TRACE_ID.exec(traceparent)) || []
  return {
    ...(partitionKey !== null && { partitionKey }),
    ...(correlationId !== null && { correlationId }),
    ...(traceId !== undefined && { traceId }),
  }
}
