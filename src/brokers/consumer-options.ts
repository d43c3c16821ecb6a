/** The options that consumers of every broker have: what becomes of a message, and how many are received at once. */
import { z } from 'zod'
import type { Bus } from '../bus.ts'
import { PostbusError } from '../errors.ts'
import { partsOf, type BusParts } from '../publishing/backend-override.ts'
import type { Source } from '../publishing/source.ts'
import { transactionRequired } from '../transactions/refusal.ts'
import type { Effects } from './receive-once.ts'

export interface ConsumerOptions<Message> {
  readonly bus: Bus
  /** Makes the event of a message. `id` must return the same id when the broker hands out the same message again. */
  readonly source: Source<Message>
  /**
   * Writes further rows for a message, in the transaction of its event. Called for new messages only, so the rows are written once. Needs
   * `createBus({ transaction })`. An error that it throws rolls the event back too, and the message is tried again.
   */
  readonly effects?: Effects<Message>
  /**
   * Called before a message is rejected for good: because it cannot be read, or has failed `maxAttempts` times. Store the message somewhere. While
   * this throws, the message is not rejected, and is tried again.
   */
  readonly onRejected?: (message: Message, error: unknown) => PromiseLike<unknown> | void
  /** How many messages are received at once. Default: 1, so that they are received in the order in which the broker hands them out. */
  readonly concurrency?: number
  /** With `concurrency` above 1: messages of the same key are received one after the other. Default: no message waits for another. */
  readonly key?: (message: Message) => string | null
  /** How many messages the broker may have handed out to this process and not yet got an acknowledgement for. Default: 100. */
  readonly inFlight?: number
  /** After this many failed attempts a message is rejected. Failures while the database cannot be reached do not count. `null`: never. Default: 10. */
  readonly maxAttempts?: number | null
  /** How long `stop()` waits for the messages that it has begun, in milliseconds. Default: 30,000. */
  readonly shutdownGraceMs?: number
}

const functionLike = (value: unknown) => typeof value === 'function'

/** The fields of these options for `z.strictObject`; each broker adds its own. */
export const consumerOptions = {
  bus: z.custom<Bus>((value) => typeof value === 'object' && value !== null && partsOf(value), 'expected a bus'),
  source: z.custom<Source>(
    (value) => typeof value === 'object' && value !== null && 'event' in value,
    'expected what defineSource returns',
  ),
  effects: z.custom<Effects<never>>(functionLike, 'expected a function').optional(),
  onRejected: z
    .custom<(message: never, error: unknown) => PromiseLike<unknown> | void>(functionLike, 'expected a function')
    .optional(),
  concurrency: z.int().min(1).max(1_000).default(1),
  key: z.custom<(message: never) => string | null>(functionLike, 'expected a function').optional(),
  inFlight: z.int().min(1).max(10_000).default(100),
  maxAttempts: z.int().min(1).max(1_000_000).nullable().default(10),
  shutdownGraceMs: z.int().min(0).max(3_600_000).default(30_000),
}

/** A running consumer. */
export interface BrokerConsumer {
  /**
   * Takes no further message, waits for the messages that it has begun, and gives the others back. Then it closes the connection, if the
   * consumer opened it. The broker hands out again what is not done within the grace period. Safe to call twice.
   */
  stop(): Promise<void>
  /** The same as `stop()`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** @throws {PostbusError} `POSTBUS_TRANSACTION_REQUIRED` when there are effects, and the bus does not know how to begin a transaction. */
export function partsFor(bus: Bus, { source, effects }: { source: { name: string }; effects: unknown }): BusParts {
  const parts = partsOf(bus)
  if (!parts) throw new PostbusError('POSTBUS_INVALID_OPTIONS', 'expected `bus` to be what createBus() returns.')
  if (effects !== undefined && !parts.transaction) throw transactionRequired([source])
  return parts
}
