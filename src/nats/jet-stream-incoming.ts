/** A message that JetStream has handed out, in the form that consumers of all brokers share. */
import type { JsMsg } from '@nats-io/jetstream'
import type { Incoming } from '../brokers/incoming.ts'
import { jetStreamMessage, type JetStreamMessage } from './jet-stream-message.ts'

/** A message can be acknowledged on any connection, as long as the server has not handed it out again. So `gone` is never aborted. */
const NEVER = new AbortController().signal

/** `giveBackAfterMs`: how long the server keeps a message that is given back before it hands it out again. */
export function jetStreamIncoming(message: JsMsg, giveBackAfterMs: () => number): Incoming<JetStreamMessage> {
  const read = jetStreamMessage(message)
  return {
    message: read,
    place: { stream: read.stream, sequence: read.sequence, subject: read.subject },
    gone: NEVER,
    keep: () => message.working(),
    // Waits until the server confirms: if the acknowledgement is lost, the message comes again and costs another query.
    acknowledge: async () => void (await message.ackAck()),
    giveBack: () => message.nak(giveBackAfterMs()),
    // Without the reason: servers before 2.11 do not know the command that carries one.
    reject: () => Promise.resolve(message.term()),
  }
}
