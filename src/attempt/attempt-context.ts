/** What surrounds an attempt in a real worker: the handler's context, and the signals about how it went. */
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import type { Codec } from '../codec/codec.ts'
import type { Envelope } from '../events/envelope.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { HandlerContext } from '../handlers/handler-context.ts'
import type { Outcome } from '../handlers/outcome.ts'
import type { PublishOptions, PublishResult } from '../events/publish-result.ts'
import type { Registry } from '../handlers/registry.ts'
import { logWith, type Emit } from '../signals.ts'
import type { Transaction } from '../transactions/transaction.ts'
import { runAttempt } from './run-attempt.ts'
import { attemptError } from './attempt-error.ts'

export interface AttemptParts {
  readonly registry: Registry
  readonly codec: Codec
  readonly emit: Emit
  publish(events: Envelope | readonly Envelope[], options?: PublishOptions): Promise<PublishResult>
  /** For `context.tx`: a test drains inside a transaction. */
  readonly tx?: Transaction | undefined
}

/** The function a dispatcher calls for each delivery it has claimed. It never rejects. */
export function attemptWith(parts: AttemptParts) {
  return async (delivery: ClaimedDelivery, abort: AbortController): Promise<Outcome> => {
    const outcome = await runAttempt(delivery, {
      registry: parts.registry,
      codec: parts.codec,
      abort,
      contextFor: (event, handler) => contextFor(parts, delivery, event, handler, abort.signal),
      onOverdue: () => reportOverdue(parts.emit, delivery),
    })
    report(parts.emit, delivery, outcome)
    return outcome
  }
}

export function contextFor(
  { emit, publish, tx }: Pick<AttemptParts, 'emit' | 'publish' | 'tx'>,
  delivery: ClaimedDelivery,
  event: Envelope,
  handler: AnyHandler,
  signal: AbortSignal,
): HandlerContext {
  return Object.freeze({
    attempt: delivery.attempt,
    maxAttempts: handler.options.maxAttempts,
    deliveryId: delivery.id,
    signal,
    log: logWith(emit, fieldsOf(delivery)),
    publish(events: Envelope | readonly Envelope[], options?: PublishOptions) {
      const list: readonly Envelope[] = Array.isArray(events) ? events : [events]
      return publish(
        list.map((next) => causedBy(event, next)),
        options,
      )
    },
    ...(tx !== undefined && { tx }),
  })
}

/** What a handler publishes carries on the chain of the event it handles, unless the new event says otherwise. */
function causedBy(cause: Envelope, event: Envelope): Envelope {
  return Object.freeze({
    ...event,
    correlationId: event.correlationId ?? cause.correlationId ?? cause.id,
    causationId: event.causationId ?? cause.id,
  })
}

function report(emit: Emit, delivery: ClaimedDelivery, outcome: Outcome): void {
  if (outcome.is === 'done' || outcome.is === 'snoozed') return
  const who = `${delivery.handler} for ${delivery.event?.type ?? 'an event'} ${delivery.event?.id ?? ''}`
  const fields = fieldsOf(delivery)
  switch (outcome.is) {
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
  emit(
    'error',
    'attempt.overdue',
    `${delivery.handler} ignores its signal after its time is over. Its claim is kept until it returns; pass context.signal on.`,
    fieldsOf(delivery),
  )
}

function fieldsOf(delivery: ClaimedDelivery): Readonly<Record<string, unknown>> {
  const { id, handler, attempt, event } = delivery
  return { deliveryId: id, handler, attempt, eventId: event?.id ?? null, eventType: event?.type ?? null }
}
