/** Finds messages of a stream by the numbers of their events. Some messages may be deleted. */
import type { JetStreamManager, MsgRequest } from '@nats-io/jetstream'
import { decodeMessage, type LogMessage } from './log-message.ts'
import { logSubjects } from './stream-names.ts'

export interface FoundMessage extends LogMessage {
  readonly sequence: number
}

/**
 * Returns the sequence of the first event after this number; `null` if the stream begins after it. Does not check whether events are missing: the
 * reader does.
 */
export async function sequenceAfter(manager: JetStreamManager, stream: string, after: number): Promise<number | null> {
  const { state } = await manager.streams.info(stream)
  const first = await messageFrom(manager, stream, state.first_seq)
  if (first === null || first.before > after) return null
  const next = await firstAfter(manager, stream, after)
  return next?.sequence ?? state.last_seq + 1
}

/** Returns the first message of an event after this number. */
export async function firstAfter(
  manager: JetStreamManager,
  stream: string,
  after: number,
): Promise<FoundMessage | null> {
  const { state } = await manager.streams.info(stream)
  let low = state.first_seq
  let high = state.last_seq + 1
  let found: FoundMessage | null = null
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const message = await messageFrom(manager, stream, middle)
    if (message === null || message.event.number > after) {
      if (message) found = message
      high = middle
    } else {
      low = message.sequence + 1
    }
  }
  return found
}

/** Returns the first message at or after this sequence. Skips messages that the relay did not write. */
async function messageFrom(manager: JetStreamManager, stream: string, sequence: number): Promise<FoundMessage | null> {
  // The client has a type for this request only in its API for direct reads, where an outdated replica may answer.
  const request = { seq: sequence, next_by_subj: logSubjects(stream) } as MsgRequest
  const stored = await manager.streams.getMessage(stream, request)
  if (stored === null) return null
  const message = decodeMessage(stored.data)
  return message ? { ...message, sequence: stored.seq } : messageFrom(manager, stream, stored.seq + 1)
}
