/** A message that JetStream has handed out, as the common part of all consumers handles it. */
import type { JsMsg } from '@nats-io/jetstream'
import type { Incoming } from '../brokers/incoming.ts'
import { jetStreamMessage, type JetStreamMessage } from './jet-stream-message.ts'

/** It can be acknowledged on any connection, as long as the server has not handed it out again. */
const NEVER = new AbortController().signal

/** `giveBackAfterMs`: how long the server is to keep what is given back. */
export function jetStreamIncoming(message: JsMsg, giveBackAfterMs: () => number): Incoming<JetStreamMessage> {
  const read = jetStreamMessage(message)
  return {
    message: read,
    place: { stream: read.stream, sequence: read.sequence, subject: read.subject },
    gone: NEVER,
    keep: () => message.working(),
    // Acknowledged itself: what the server has not heard of comes again, and would be one more look at the database.
    acknowledge: async () => void (await message.ackAck()),
    giveBack: () => message.nak(giveBackAfterMs()),
    // Without a reason: servers before 2.11 do not know the word that carries one.
    reject: () => Promise.resolve(message.term()),
  }
}
