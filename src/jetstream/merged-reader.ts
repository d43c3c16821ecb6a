/** Reads several partitions of a stream, and returns their events in the order of the log. */
import type { JetStreamManager } from '@nats-io/jetstream'
import { performance } from '../clock.ts'
import type { LogMessage } from './log-message.ts'
import type { RelayProgress } from './relay-progress.ts'
import { PartitionReader } from './partition-reader.ts'
import { Fifo } from '../worker/log/fifo.ts'

export interface MergedReaderParts {
  readonly manager: JetStreamManager
  readonly stream: string
  /** `null`: all partitions, in one reader. */
  readonly partitions: readonly number[] | null
  /** The sequence at which reading begins, and the number of the last event before it. */
  readonly from: number
  readonly after: number
}

/** The most messages in one request, and in the requests to all partitions together. A larger request costs less for each message. */
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

  /** Whether `shift` has a message to return. */
  get isReady(): boolean {
    return this.#merged.length > 0
  }

  /** Removes and returns the next message. Returns `undefined` if there is none, or if its number is above `upTo`. */
  shift(upTo: number): LogMessage | undefined {
    const next = this.#merged.first
    return next && next.event.number <= upTo ? this.#merged.shift() : undefined
  }

  /**
   * Sorts the messages that have arrived, when all messages sorted before are taken. Returns `false` if there are none: then every event that the relay has reported was read.
   */
  async merge(progress: RelayProgress): Promise<boolean> {
    if (this.#merged.length > 0) return true
    await Promise.all(this.#readers.map((reader) => reader.fill(progress)))
    // A partition may still send events after its last one. So an event is sorted only if no partition can send an earlier one.
    // Events that the relay has not reported yet have to wait: it is not known which partitions have some.
    const bounds = this.#readers.map((reader) => (reader.isFilled(progress) ? progress.number : reader.last))
    const upTo = Math.min(progress.number, ...bounds)
    const messages = this.#readers.flatMap((reader) => reader.takeUpTo(upTo))
    if (this.#readers.length > 1) messages.sort((one, other) => one.event.number - other.event.number)
    for (const message of messages) this.#merged.push(message)
    return messages.length > 0
  }

  /** Every event up to this number was read. Do not wait for any of them. */
  passTo(number: number): void {
    this.usedAt = performance.now()
    for (const reader of this.#readers) reader.passTo(number)
  }

  async close(): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.close()))
  }
}
