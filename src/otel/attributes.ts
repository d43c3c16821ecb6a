/** Attributes that only spans have, named by OpenTelemetry's conventions for messaging, or by names of our own where these have none. */
import type { Attributes } from '@opentelemetry/api'
import type { Envelope } from '../events/envelope.ts'
import type { Handling } from '../middleware/middleware.ts'

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

function aboutEvent(event: Omit<Envelope, 'data'>): Attributes {
  return {
    'messaging.message.id': event.id,
    ...(event.correlationId !== null && { 'messaging.message.conversation_id': event.correlationId }),
    ...(event.partitionKey !== null && { 'postbus.partition_key': event.partitionKey }),
    'postbus.event_version': event.version,
  }
}
