/** The event between the two handlers of `defineWebhooks`: it asks to send one message to one endpoint. */
import { z } from 'zod'
import { defineEvent, type EventType } from '../../events/event.ts'
import type { Envelope } from '../../events/envelope.ts'
import { idFrom } from '../../events/event-id.ts'
import type { RelayMessage } from '../message.ts'

export interface SendRequest {
  readonly endpoint: string
  readonly message: RelayMessage
}

const schema = z.object({
  endpoint: z.string().min(1),
  message: z.object({
    id: z.string(),
    type: z.string(),
    partitionKey: z.string().nullable(),
    occurredAt: z.date(),
    contentType: z.string(),
    attributes: z.record(z.string(), z.string()),
    body: z.union([z.string(), z.custom<Uint8Array>((body) => body instanceof Uint8Array)]),
  }),
})

export type Order = 'key' | 'endpoint' | 'none'
export type SendRequested = EventType<string, 1, SendRequest, SendRequest>

export function sendRequested(webhooks: string, order: Order, previousNames: readonly string[] = []): SendRequested {
  return defineEvent(typeOf(webhooks), {
    schema,
    previousNames: previousNames.map(typeOf),
    partitionKey: (request) => laneOf(request, order),
  })
}

/** Metadata that marks these events, so that each `defineWebhooks` also recognises the events of every other one. */
export const OURS = Object.freeze({ 'postbus.webhooks': true })

export function isOurs({ metadata }: Envelope): boolean {
  return metadata['postbus.webhooks'] === true
}

/** The request in an event of this type. */
export function requestIn(event: Envelope): SendRequest {
  return event.data as SendRequest // only events of this type come here, and its schema has checked them
}

function typeOf(webhooks: string): string {
  return `${webhooks}.send-requested`
}

const MAX_KEY_BYTES = 512

/** The endpoint's id and the event's key may be too long together. Then an id made from both is the key. */
function laneOf({ endpoint, message: { partitionKey } }: SendRequest, order: Order): string | null {
  if (order === 'endpoint') return endpoint
  if (order === 'none' || partitionKey === null) return null
  const lane = `${endpoint} ${partitionKey}`
  return Buffer.byteLength(lane) <= MAX_KEY_BYTES ? lane : idFrom(lane)
}
