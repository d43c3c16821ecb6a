/** Reads the events of some partitions in the order of the log, from a place on. */
import type { JetStreamManager } from '@nats-io/jetstream'
import { performance } from '../clock.ts'
import type { LogMessage } from './log-message.ts'
import type { News } from './news.ts'
import { Tap } from './tap.ts'

export interface FeedParts {
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

export class Feed {
  readonly #taps: readonly Tap[]
  /** `performance.now()` when it was last read. */
  usedAt = performance.now()

  private constructor(taps: readonly Tap[]) {
    this.#taps = taps
  }

  static async open({ partitions, ...parts }: FeedParts): Promise<Feed> {
    const wanted = partitions ?? [null]
    const most = Math.min(MOST, Math.ceil(MOST_TOGETHER / wanted.length))
    const opening = wanted.map((partition) => Tap.open({ ...parts, partition, most }))
    const opened = await Promise.allSettled(opening)
    const taps = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const failed = opened.find((one) => one.status === 'rejected')
    if (!failed) return new Feed(taps)
    await new Feed(taps).close()
    throw failed.reason
  }

  /**
   * Returns the next message up to this number; `null`: there is none, and there will be none. `told` is what the relay has told; `upTo` is not
   * above it.
   */
  async next(upTo: number, told: News): Promise<LogMessage | null> {
    let first: Tap | null = null
    for (const tap of this.#taps) {
      if (!tap.head) await tap.fill(told)
      const number = tap.head?.event.number ?? Infinity
      if (number < (first?.head?.event.number ?? Infinity)) first = tap
    }
    if (!first?.head || first.head.event.number > upTo) return null
    return first.shift() ?? null
  }

  /** Everything up to this number was read: no message before it is waited for any more. */
  passTo(number: number): void {
    this.usedAt = performance.now()
    for (const tap of this.#taps) tap.passTo(number)
  }

  async close(): Promise<void> {
    await Promise.all(this.#taps.map((tap) => tap.close()))
  }
}
