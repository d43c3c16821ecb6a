/**
 * Reads one partition of a stream, or all of them, from a given event on. It notices every missing event: each message names the previous event,
 * and the relay reports the last one. The consumer in the server needs no acknowledgements. The server deletes it when it is not used.
 */
import {
  AckPolicy,
  DeliverPolicy,
  type Consumer,
  type ConsumerMessages,
  type JetStreamManager,
} from '@nats-io/jetstream'
import { Fifo } from '../worker/log/fifo.ts'
import { ReadSize } from '../worker/log/read-size.ts'
import { Gate } from '../worker/gate.ts'
import { decodeMessage, type LogMessage } from './log-message.ts'
import type { RelayProgress } from './relay-progress.ts'
import { logSubject } from './stream-names.ts'

/** How long the server keeps a request for messages open. */
const PULL_MS = 30_000
/** If an event that the relay has reported does not arrive within this time, it counts as missing. */
const SILENT_MS = 2_000
/** The server deletes a consumer that was not used for this long. */
const FORGOTTEN_MS = 60_000
const FEWEST = 32

/** The stream lacks an event. The caller must read this part of the log from Postgres. */
export class MissingEvents extends Error {}

export interface PartitionReaderParts {
  readonly manager: JetStreamManager
  readonly stream: string
  /** `null`: all partitions. */
  readonly partition: number | null
  /** The sequence at which reading begins, and the number of the last event before it. */
  readonly from: number
  readonly after: number
  /** The most messages in one request. */
  readonly most: number
}

export class PartitionReader {
  readonly #parts: PartitionReaderParts
  readonly #consumer: Consumer
  readonly #messages = new Fifo<LogMessage>()
  readonly #news = new Gate()
  #pull: ConsumerMessages | null = null
  #isPulling = false
  readonly #size: ReadSize
  /** The number of the last event that arrived. */
  #last: number
  #failure: unknown = null
  #isClosed = false

  private constructor(parts: PartitionReaderParts, consumer: Consumer) {
    this.#parts = parts
    this.#consumer = consumer
    this.#last = parts.after
    this.#size = new ReadSize({ fewest: Math.min(FEWEST, parts.most), most: parts.most })
  }

  static async open(parts: PartitionReaderParts): Promise<PartitionReader> {
    const { manager, stream, partition, from } = parts
    const { name } = await manager.consumers.add(stream, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: from,
      inactive_threshold: FORGOTTEN_MS * 1e6,
      mem_storage: true,
      num_replicas: 1,
      ...(partition !== null && { filter_subject: logSubject(stream, partition) }),
    })
    return new PartitionReader(parts, await manager.jetstream().consumers.get(stream, name))
  }

  /** Every event up to this number has arrived, or was read before. */
  get last(): number {
    return this.#last
  }

  /** Removes and returns the messages that have arrived, up to this number. */
  takeUpTo(number: number): readonly LogMessage[] {
    const taken: LogMessage[] = []
    for (let next = this.#messages.first; next && next.event.number <= number; next = this.#messages.first) {
      taken.push(next)
      this.#messages.shift()
    }
    return taken
  }

  /** Every event up to this number was read. Do not wait for any of them. */
  passTo(number: number): void {
    this.#last = Math.max(this.#last, number)
  }

  /** Whether every event that the relay has reported has arrived. */
  isFilled({ last, lastOf }: RelayProgress): boolean {
    const { partition } = this.#parts
    return this.#last >= (partition === null ? last : (lastOf[partition] ?? 0))
  }

  /** Resolves when a message has arrived, or when no more events are expected. @throws {MissingEvents} */
  async fill(progress: RelayProgress): Promise<void> {
    if (!this.isFilled(progress) && this.#failure === null) void this.#pullMore() // so that they arrive while earlier messages are handled
    while (this.#messages.length === 0 && !this.isFilled(progress)) {
      if (this.#failure !== null) throw this.#failure
      if (this.#isClosed) throw new MissingEvents('The reader was closed.')
      void this.#pullMore()
      // The last message of a partition may be deleted. No later message shows the gap.
      if (!(await this.#news.wait(SILENT_MS)))
        throw new MissingEvents('An event that the relay has reported did not arrive.')
    }
  }

  async #pullMore(): Promise<void> {
    if (this.#isPulling || this.#isClosed) return
    this.#isPulling = true
    try {
      const pull = await this.#consumer.fetch({ max_messages: this.#size.most, expires: PULL_MS })
      this.#pull = pull
      if (this.#isClosed) return void (await pull.close())
      let size = 0
      let count = 0
      for await (const message of pull) {
        size += message.data.length
        count += 1
        this.#take(message.data)
      }
      this.#size.learn({ count, size })
    } catch (error) {
      this.#failure ??= error
    } finally {
      this.#pull = null
      this.#isPulling = false
      this.#news.open()
    }
  }

  #take(data: Uint8Array): void {
    const message = decodeMessage(data)
    if (message === null || this.#failure !== null) return // another program wrote it, or an event before it is missing
    const { event, before, beforeInPartition } = message
    if ((this.#parts.partition === null ? before : beforeInPartition) > this.#last) {
      this.#failure = new MissingEvents(`Events before ${event.number} are missing.`)
    } else if (event.number > this.#last) {
      this.#last = event.number
      this.#messages.push(message)
    }
    this.#news.open()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#pull?.close().catch(() => undefined)
    await this.#consumer.delete().catch(() => undefined) // the server deletes it after a minute
  }
}
