/**
 * Reads the messages of a stream from a place on: all of them, or those of one partition. It proves that no message is missing: each message names
 * the event before it, and the relay tells which event is the last one. The consumer at the server has no acknowledgements. It is forgotten there when nothing reads it any more.
 */
import {
  AckPolicy,
  DeliverPolicy,
  type Consumer,
  type ConsumerMessages,
  type JetStreamManager,
} from '@nats-io/jetstream'
import { Fifo } from '../worker/log/fifo.ts'
import { Gate } from '../worker/gate.ts'
import { decodeMessage, type LogMessage } from './log-message.ts'
import type { RelayProgress } from './relay-progress.ts'
import { logSubject } from './stream-names.ts'

/** How long one request for messages waits at the server. */
const PULL_MS = 30_000
/** If a message that must be there does not come for so long, it counts as missing. */
const SILENT_MS = 2_000
/** The server forgets a consumer that nothing reads for so long. */
const FORGOTTEN_MS = 60_000
const FEWEST = 32
const LARGE_PULL = 4 * 1_048_576

/** Something is missing in the stream: this stretch must be read from Postgres. */
export class MissingEvents extends Error {}

export interface PartitionReaderParts {
  readonly manager: JetStreamManager
  readonly stream: string
  /** `null`: all partitions. */
  readonly partition: number | null
  /** The sequence of the first message to read, and the number after which its events begin. */
  readonly from: number
  readonly after: number
  /** At most so many messages are requested at once. */
  readonly most: number
}

export class PartitionReader {
  readonly #parts: PartitionReaderParts
  readonly #consumer: Consumer
  readonly #messages = new Fifo<LogMessage>()
  readonly #news = new Gate()
  #pull: ConsumerMessages | null = null
  #isPulling = false
  #most = FEWEST
  /** The number of the last event that came. */
  #last: number
  #failure: unknown = null
  #isClosed = false

  private constructor(parts: PartitionReaderParts, consumer: Consumer) {
    this.#parts = parts
    this.#consumer = consumer
    this.#last = parts.after
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

  /** The number of the last event that has come, or of the place up to which everything was read. */
  get last(): number {
    return this.#last
  }

  /** Takes the messages that are here, up to this number. */
  takeUpTo(number: number): readonly LogMessage[] {
    const taken: LogMessage[] = []
    for (let next = this.#messages.first; next && next.event.number <= number; next = this.#messages.first) {
      taken.push(next)
      this.#messages.shift()
    }
    return taken
  }

  /** Everything up to this number was read: nothing of it can be missing. */
  passTo(number: number): void {
    this.#last = Math.max(this.#last, number)
  }

  /** Whether everything that the relay told of has come. */
  isFilled({ last, lastOf }: RelayProgress): boolean {
    const { partition } = this.#parts
    return this.#last >= (partition === null ? last : (lastOf[partition] ?? 0))
  }

  /** Resolves when there is a message, or everything has come. */
  async fill(progress: RelayProgress): Promise<void> {
    if (!this.isFilled(progress) && this.#failure === null) void this.#pullMore() // ahead, while the ones that are here are handled
    while (this.#messages.length === 0 && !this.isFilled(progress)) {
      if (this.#failure !== null) throw this.#failure
      if (this.#isClosed) throw new MissingEvents('It was closed.')
      void this.#pullMore()
      // Its message may have been deleted, as the last one of its partition.
      if (!(await this.#news.wait(SILENT_MS))) throw new MissingEvents('An event that must be there has not come.')
    }
  }

  async #pullMore(): Promise<void> {
    if (this.#isPulling || this.#isClosed) return
    this.#isPulling = true
    try {
      const pull = await this.#consumer.fetch({ max_messages: this.#most, expires: PULL_MS })
      this.#pull = pull
      if (this.#isClosed) return void (await pull.close())
      let bytes = 0
      let count = 0
      for await (const message of pull) {
        bytes += message.data.length
        count += 1
        this.#take(message.data)
      }
      this.#learnSize(bytes, count)
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
    if (message === null || this.#failure !== null) return // a stranger's, or it comes after a hole
    const { event, before, beforeInPartition } = message
    if ((this.#parts.partition === null ? before : beforeInPartition) > this.#last) {
      this.#failure = new MissingEvents(`Events before ${event.number} are missing.`)
    } else if (event.number > this.#last) {
      this.#last = event.number
      this.#messages.push(message)
    }
    this.#news.open()
  }

  #learnSize(bytes: number, count: number): void {
    if (bytes > LARGE_PULL) this.#most = Math.max(1, Math.floor(this.#most / 4))
    else if (bytes < LARGE_PULL / 4 && count === this.#most) this.#most = Math.min(2 * this.#most, this.#parts.most)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#pull?.close().catch(() => undefined)
    await this.#consumer.delete().catch(() => undefined) // then the server forgets it in a minute
  }
}
