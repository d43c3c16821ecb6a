/**
 * Writes groups of events to the stream, in order, each event once. Each message states the sequence that the last message of the stream must have. If
 * another relay has written meanwhile, or only a part of a group was stored, the server refuses the message. The relay then looks up the end of the
 * stream again.
 *
 * Only the last message of a group is acknowledged. If the server refuses a message, it refuses the rest of the group too. There is one exception:
 * another program may write a message that takes the sequence of one of ours. The rest of the group is then stored without that event. Readers notice
 * this, because each message names the previous event.
 */
import type { JetStreamClient, PubAck } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import type { LogEvent } from '../deliveries/log-reading.ts'
import { encodeMessage } from './log-message.ts'
import { logSubject } from './stream-names.ts'

const STORED_WITHIN_MS = 5_000

export interface WriterParts {
  readonly connection: NatsConnection
  readonly client: JetStreamClient
  readonly stream: string
  readonly partitions: number
  /**
   * Whether the previous writer failed. The server remembers the ids of messages for two minutes, and drops a message with a known id, even if the first
   * one was deleted. So the messages of this writer get other ids.
   */
  readonly isAgain: boolean
}

/** The place where writing continues. */
export interface WriterPlace {
  /** The sequence of the last message of the stream. */
  readonly sequence: number
  /** Every event up to this number is in the stream, or is read from Postgres. */
  readonly number: number
  /** The number of the last event in each partition, up to that number. */
  readonly lastOf: readonly number[]
}

export class StreamWriter {
  readonly #parts: WriterParts
  readonly #lastOf: number[]
  #sequence: number
  #last: number
  #number: number

  constructor(parts: WriterParts, { sequence, number, lastOf }: WriterPlace) {
    this.#parts = parts
    this.#sequence = sequence
    this.#lastOf = [...lastOf]
    this.#last = number
    this.#number = number
  }

  /** Every event up to this number is in the stream. */
  get number(): number {
    return this.#number
  }

  /** The number of the last event in the stream. */
  get last(): number {
    return this.#last
  }

  /** The number of the last event in each partition. */
  get lastOf(): number[] {
    return this.#lastOf
  }

  /** There is no event between the last one and this number. */
  passTo(number: number): void {
    this.#number = Math.max(this.#number, number)
  }

  /** Resolves when the group is stored. After an error, this writer must not be used any more. */
  async write(events: readonly LogEvent[]): Promise<void> {
    let stored: Promise<PubAck> | null = null
    for (const [place, event] of events.entries()) stored = this.#send(event, place === events.length - 1)
    const answer = await stored
    if (answer?.duplicate)
      throw new Error(`Stream "${this.#parts.stream}" has dropped a message, because its id is known.`)
  }

  #send(event: LogEvent, isLast: boolean): Promise<PubAck> | null {
    const { connection, client, stream, partitions, isAgain } = this.#parts
    const partition = event.hash % partitions
    const place = { before: this.#last, beforeInPartition: this.#lastOf[partition] ?? 0 }
    const data = encodeMessage(event, place, connection.info?.max_payload ?? Infinity)
    const subject = logSubject(stream, partition)
    const lastSequence = this.#sequence
    const id = isAgain ? `${event.id}:${lastSequence}` : event.id
    this.#sequence += 1
    this.#lastOf[partition] = event.number
    this.#last = event.number
    this.#number = event.number
    if (isLast) {
      const expect = { streamName: stream, lastSequence }
      return client.publish(subject, data, { msgID: id, expect, timeout: STORED_WITHIN_MS, retries: 0 })
    }
    const made = headers()
    made.set('Nats-Msg-Id', id)
    made.set('Nats-Expected-Last-Sequence', String(lastSequence))
    connection.publish(subject, data, { headers: made })
    return null
  }
}
