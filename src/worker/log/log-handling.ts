/** A handler that reads the log, as one worker sees it: its shards here, and whether it wants an event. */
import type { Codec } from '../../codec/codec.ts'
import { interestIn, type Interest } from '../../attempt/log-interest.ts'
import type { LogEvent, LogSubscription } from '../../deliveries/log-reading.ts'
import type { AnyHandler } from '../../handlers/handler.ts'
import type { Registry } from '../../handlers/registry.ts'
import type { Emit } from '../../signals.ts'
import { Fifo } from './fifo.ts'
import type { HandlerSlots } from '../handler-slots.ts'
import type { Entry, Handling, Shard } from './shard.ts'

export interface HandlingParts {
  readonly registry: Registry
  readonly codec: Codec
  readonly emit: Emit
}

export class LogHandling implements Handling {
  readonly handler: AnyHandler
  subscription: LogSubscription
  readonly slots: HandlerSlots
  /** How many attempts of the handler may run at once here. */
  readonly concurrency: number
  readonly shards = new Map<number, Shard>()
  readonly runnable = new Fifo<Entry>()
  running = 0
  isPaused = false
  readonly #parts: HandlingParts

  constructor(
    {
      handler,
      subscription,
      slots,
      concurrency,
    }: Pick<LogHandling, 'handler' | 'subscription' | 'slots' | 'concurrency'>,
    parts: HandlingParts,
  ) {
    this.handler = handler
    this.subscription = subscription
    this.slots = slots
    this.concurrency = concurrency
    this.#parts = parts
  }

  get hasRoom(): boolean {
    return this.running < this.concurrency && this.slots.hasRoom(this.handler.name)
  }

  get pending(): number {
    let count = 0
    for (const { pending } of this.shards.values()) count += pending.length
    return count
  }

  interestIn(event: LogEvent): Interest {
    const { handler, subscription } = this
    const { registry, codec, emit } = this.#parts
    return interestIn(event, { handler, subscription, reading: registry.readingOf(handler, event), codec, emit })
  }

  replayOf(event: LogEvent): string | null {
    const { historyTo, historyId } = this.subscription
    return this.handler.options.backfill && event.number <= historyTo ? historyId : null
  }
}
