/** What spans and metrics say, in the words of OpenTelemetry's conventions for messaging, and in words of ours where it has none. */
import type { Attributes } from '@opentelemetry/api'
import type { Envelope } from '../events/envelope.ts'
import type { Handling } from '../middleware/middleware.ts'

/** Few different values: for metrics too. */
export function publishing(events: readonly Pick<Envelope, 'type'>[]): Attributes {
  return {
    'messaging.system': 'postbus',
    'messaging.operation.name': 'publish',
    'messaging.operation.type': 'send',
    'messaging.destination.name': destinationOf(events),
  }
}

/** Few different values: for metrics too. */
export function processing(events: readonly Pick<Envelope, 'type'>[], handler: string): Attributes {
  return {
    'messaging.system': 'postbus',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': destinationOf(events),
    'messaging.consumer.group.name': handler,
  }
}

export function published(events: readonly Envelope[]): Attributes {
  const [event] = events
  if (events.length !== 1 || !event) return { 'messaging.batch.message_count': events.length }
  return aboutEvent(event)
}

export function attempted({ event, context }: Handling): Attributes {
  return {
    ...aboutEvent(event),
    'postbus.attempt': context.attempt,
    'postbus.delivery_id': context.deliveryId,
    'postbus.is_replay': context.isReplay,
  }
}

/** A class or a code, and no message: its values are few. */
export function errorType(error: unknown): string {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined
  if (typeof code === 'string') return code
  return error instanceof Error ? error.name : '_OTHER'
}

function aboutEvent(event: Omit<Envelope, 'data'>): Attributes {
  return {
    'messaging.message.id': event.id,
    ...(event.correlationId !== null && { 'messaging.message.conversation_id': event.correlationId }),
    ...(event.partitionKey !== null && { 'postbus.partition_key': event.partitionKey }),
    'postbus.event_version': event.version,
  }
}

function destinationOf(events: readonly Pick<Envelope, 'type'>[]): string {
  const types = new Set(events.map(({ type }) => type))
  return types.size === 1 ? [...types].join('') : 'several event types'
}
