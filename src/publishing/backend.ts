/**
 * Where envelopes go. The bus decides who receives an event; a backend stores it and sees to it that they do.
 *
 * - `postgres` (`backends/postgres/`): the real one. Durable, transactional, worked on by worker processes.
 * - `inline` (`backends/inline.ts`): runs the handlers before `publish` returns, and keeps nothing. For seeds, scripts and
 *   integration tests. Nothing is retried: an error reaches the publisher.
 * - `mailbox` (`backends/mailbox.ts`): remembers the events and calls no handler. For tests of what is published; the testing
 *   module builds on it.
 *
 * All of them refuse the same events and give handlers and readers a copy that went through the codec, so that what would
 * be lost in the database is lost in memory too. `test/conformance/backends.test.ts` holds them to that.
 *
 * A worker needs more of a backend than a publisher does: that part is `DeliveryStore`.
 */
import type { Envelope } from '../events/envelope.ts'
import type { PublishedEvent } from '../events/publish-result.ts'
import type { Due } from './due.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { DeliveryMode } from '../handlers/log-delivery.ts'
import type { PublishTransaction } from '../transactions/transaction.ts'

/** An event about to be stored, with the handlers that are to receive it. */
export interface PlannedEvent {
  readonly envelope: Envelope
  readonly handlers: readonly AnyHandler[]
  /** Those that run inside this publish, with `runs: 'in-transaction'`, where the backend runs them. They are none of `handlers`. */
  readonly within?: readonly AnyHandler[]
  /** The envelope's data, encoded. */
  readonly payload: string
  /** Handlers listen to it that read the log, and are none of these: they are to hear that there is something to read. */
  readonly isRead?: boolean
  /** Those of `handlers` whose deliveries are held until the reader of the log has passed the event. */
  readonly held?: readonly AnyHandler[]
  /** The epoch of the delivery modes that the event was planned with. Absent: it was planned by the definitions alone. */
  readonly epoch?: number
  /** When it is to be delivered, if not at once. */
  readonly due?: Due
}

/** The delivery modes of handlers. The database decides them. Until a handler has changed there, its definition does. */
export interface DeliveryModes {
  /** Counts the changes of modes. */
  readonly epoch: number
  of(handler: AnyHandler): DeliveryMode
}

/** Thrown by a backend when the modes have changed. It has written nothing: plan the events with these modes, and publish them again. */
export class ModesChanged extends Error {
  readonly modes: DeliveryModes

  constructor(modes: DeliveryModes) {
    super('The delivery of a handler has changed.')
    this.modes = modes
  }
}

export interface Backend {
  /** Stores events and their deliveries, in order, inside `tx` if given. Returns one entry per event. */
  publish(events: readonly PlannedEvent[], tx: PublishTransaction | undefined): Promise<readonly PublishedEvent[]>
  /** Tells those who listen, at the end of `tx` if given. No handler receives these events, and nothing is owed to anyone. */
  broadcast(events: readonly PlannedEvent[], tx: PublishTransaction | undefined): Promise<void>
  /** Resolves when everything that is broadcast reaches the listeners of this bus, with the function that gives that up. */
  hear(): Promise<() => Promise<void>>
  /** Checks that what the backend needs is there and fits this version of the code. */
  check(): Promise<void>
  /** Lets go of connections. The backend cannot be used afterwards. */
  close(): Promise<void>
  /** Set when no event has receivers here, so that one without handlers is nothing to warn about. */
  readonly callsNobody?: boolean
  /** Set when handlers with `runs: 'in-transaction'` are called here, and get no delivery. Elsewhere they are like the others. */
  readonly callsWithin?: boolean
  /** Set when events are kept, so that handlers with `delivery: 'log'` read them there, and are asked then whether they are interested. */
  readonly modes?: DeliveryModes
}
