/** Reads the events of some partitions in the order of the log, from a place on. */
import type { JetStreamManager } from '@nats-io/jetstream'
import { performance } from '../clock.ts'
import type { LogMessage } from './log-message.ts'
import type { RelayProgress } from './relay-progress.ts'
import { PartitionReader } from './partition-reader.ts'
import { Fifo } from '../worker/log/fifo.ts'

export interface MergedReaderParts {
  readonly manager: JetStreamManager
  readonly stream: string
  /** `null`: all. */
  readonly partitions: readonly number[] | null
  /** The sequence of the first message to read, and the number after which its events begin. */
  readonly from: number
  readonly after: number
}

/** So many messages are requested at once, from one partition and from all together. Each request costs as much as some messages. */
const MOST = 1_000
const MOST_TOGETHER = 4_000

export class MergedReader {
  readonly #readers: readonly PartitionReader[]
  readonly #merged = new Fifo<LogMessage>()
  /** `performance.now()` when it was last read. */
  usedAt = performance.now()

  private constructor(readers: readonly PartitionReader[]) {
    this.#readers = readers
  }

  static async open({ partitions, ...parts }: MergedReaderParts): Promise<MergedReader> {
    const wanted = partitions ?? [null]
    const most = Math.min(MOST, Math.ceil(MOST_TOGETHER / wanted.length))
    const opening = wanted.map((partition) => PartitionReader.open({ ...parts, partition, most }))
    const opened = await Promise.allSettled(opening)
    const readers = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const failed = opened.find((one) => one.status === 'rejected')
    if (!failed) return new MergedReader(readers)
    await new MergedReader(readers).close()
    throw failed.reason
  }

  /** Whether a message is here whose turn has come. */
  get isReady(): boolean {
    return this.#merged.length > 0
  }

  /** Takes the next message in the order of the log, if it is here and not above this number. */
  shift(upTo: number): LogMessage | undefined {
    const next = this.#merged.first
    return next && next.event.number <= upTo ? this.#merged.shift() : undefined
  }

  /**
   * Puts in order what has come, when nothing is left of what was put in order before. Returns whether there is something: if not, everything that the
   * relay has told of was taken.
   */
  async merge(progress: RelayProgress): Promise<boolean> {
    if (this.#merged.length > 0) return true
    await Promise.all(this.#readers.map((reader) => reader.fill(progress)))
    // What has not come yet is above the last event that has, in each of the others. Nothing is known about events that the relay has not told of.
    const bounds = this.#readers.map((reader) => (reader.isFilled(progress) ? progress.number : reader.last))
    const upTo = Math.min(progress.number, ...bounds)
    const messages = this.#readers.flatMap((reader) => reader.takeUpTo(upTo))
    if (this.#readers.length > 1) messages.sort((one, other) => one.event.number - other.event.number)
    for (const message of messages) this.#merged.push(message)
    return messages.length > 0
  }

  /** Everything up to this number was read: no message before it is waited for any more. */
  passTo(number: number): void {
    this.usedAt = performance.now()
    for (const reader of this.#readers) reader.passTo(number)
  }

  async close(): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.close()))
  }
}
