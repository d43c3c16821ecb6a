/** A handler that reads the log, as one worker sees it: its shards here, and what it makes of an event. */
import type { Codec } from '../../codec/codec.ts'
import { openEnvelope } from '../../attempt/open-envelope.ts'
import { safeTextOfError } from '../../error-text.ts'
import type { LogEvent, LogSubscription } from '../../deliveries/log-reading.ts'
import type { AnyHandler } from '../../handlers/handler.ts'
import { asRead, isReadable, type Reading } from '../../handlers/reading.ts'
import { isInterested, type Registry } from '../../handlers/registry.ts'
import type { Emit } from '../../signals.ts'
import type { HandlerSlots } from '../handler-slots.ts'
import type { Entry, Handling, Interest, Shard } from './shard.ts'

export interface HandlingParts {
  readonly registry: Registry
  readonly codec: Codec
  readonly emit: Emit
}

export class LogHandling implements Handling {
  readonly handler: AnyHandler
  readonly subscription: LogSubscription
  readonly slots: HandlerSlots
  /** How many of it may run at once here. */
  readonly concurrency: number
  readonly shards = new Map<number, Shard>()
  runnable: Entry[] = []
  running = 0
  isPaused = false
  readonly #parts: HandlingParts
  readonly #readings = new Map<string, Reading>()

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
    const reading = this.#readingOf(event)
    if (reading.is === 'not-heard' || this.#isTooOld(event)) return 'none'
    if (!isReadable(reading)) return 'waits'
    return this.handler.interested === null || this.#asks(reading, event) ? 'runs' : 'none'
  }

  replayOf(event: LogEvent): string | null {
    const { historyTo, historyId } = this.subscription
    return this.handler.options.backfill && event.number <= historyTo ? historyId : null
  }

  #readingOf(event: LogEvent): Reading {
    const name = `${event.type} ${event.version}`
    let reading = this.#readings.get(name)
    if (!reading) this.#readings.set(name, (reading = this.#parts.registry.readingOf(this.handler, event)))
    return reading
  }

  #isTooOld({ number, publishedAt }: LogEvent): boolean {
    const { backfill } = this.handler.options
    return backfill !== undefined && number <= this.subscription.historyTo && publishedAt < backfill.since.getTime()
  }

  /** What cannot be opened is for an attempt to report. And an event once too often is better than one that is lost. */
  #asks(reading: Reading, event: LogEvent): boolean {
    try {
      return isInterested(this.handler, asRead(reading, openEnvelope(event, this.#parts.codec)))
    } catch (error) {
      const message = `Handler "${this.handler.name}" gets ${event.type} ${event.id}, because it cannot be asked: ${safeTextOfError(error)}`
      this.#parts.emit('warn', 'interested.failed', message, { handler: this.handler.name, eventId: event.id })
      return true
    }
  }
}
