/**
 * Backends: where events go. The bus decides which handlers receive an event; a backend stores the event and makes sure that
 * they get it.
 *
 * - `postgres` (`backends/postgres/`): the real one. Durable and transactional; worker processes run the handlers.
 * - `inline` (`backends/inline.ts`): runs the handlers before `publish` returns, and keeps nothing. For seeds, scripts and
 *   integration tests. Nothing is retried: an error reaches the publisher.
 * - `mailbox` (`backends/mailbox.ts`): remembers the events and calls no handler. For tests of what is published; the testing
 *   module builds on it.
 *
 * All of them refuse the same events, and give handlers and readers a copy that went through the codec: values that the
 * database would lose are lost in memory too. `test/conformance/backends.test.ts` checks this.
 *
 * A worker needs more from a backend than a publisher does: see `DeliveryStore`.
 */
import type { Envelope } from '../events/envelope.ts'
import type { PublishedEvent } from '../events/publish-result.ts'
import type { Due } from './due.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { DeliveryMode } from '../handlers/log-delivery.ts'
import type { PublishTransaction } from '../transactions/transaction.ts'

/** An event about to be stored, with the handlers that will receive it. */
export interface PlannedEvent {
  readonly envelope: Envelope
  readonly handlers: readonly AnyHandler[]
  /** Handlers with `runs: 'in-transaction'`, which run inside this publish, if the backend runs them. They are not in `handlers`. */
  readonly within?: readonly AnyHandler[]
  /** The envelope's data, encoded. */
  readonly payload: string
  /** `true`: handlers that read the log listen to it. They are not in `handlers`, and must learn that there is something to read. */
  readonly isRead?: boolean
  /** The handlers in `handlers` whose deliveries are held until the reader of the log has passed the event. */
  readonly held?: readonly AnyHandler[]
  /** The epoch of the delivery modes with which the event was planned. Absent: only the handlers' definitions were used. */
  readonly epoch?: number
  /** When it is due, if not at once. */
  readonly due?: Due
}

/** The delivery modes of handlers. The database decides them; for a handler that was never changed there, its definition does. */
export interface DeliveryModes {
  /** The number of mode changes so far. */
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
  /** Sends events to listeners, when `tx` commits if given. No handler receives these events, and their arrival is not guaranteed. */
  broadcast(events: readonly PlannedEvent[], tx: PublishTransaction | undefined): Promise<void>
  /** Resolves when broadcasts reach the listeners of this bus. Returns the function that ends this. */
  hear(): Promise<() => Promise<void>>
  /** Checks that everything the backend needs exists, and fits this version of the code. */
  check(): Promise<void>
  /** Closes the connections. The backend cannot be used afterwards. */
  close(): Promise<void>
  /** Set if this backend never calls handlers, so that events without handlers cause no warning. */
  readonly callsNobody?: boolean
  /**
   * Set if this backend calls handlers with `runs: 'in-transaction'` inside `publish`, without a delivery. Other backends treat
   * them like all handlers.
   */
  readonly callsWithin?: boolean
  /**
   * Set if this backend keeps events, so that handlers with `delivery: 'log'` read them there, and are then asked whether they are
   * interested.
   */
  readonly modes?: DeliveryModes
}
