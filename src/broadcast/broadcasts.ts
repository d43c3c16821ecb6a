/**
 * Broadcasts: events for every process that listens at this moment, and for no one else.
 *
 * A published event is owed to its handlers: it is stored, and tried until it is handled or a dead letter. A broadcast is owed to no one. It is a
 * shout: for caches that are to forget something, and pages that are to show it. A process that did not hear for a while is told so.
 */
import type { Envelope } from '../events/envelope.ts'
import type { PublishOptions } from '../events/publish-result.ts'
import type { EventFor, Listening } from '../handlers/listens-to.ts'

export interface Broadcasts {
  /**
   * Tells every process that listens, this one too. With `tx` when that transaction commits, else at once; transactions are found as
   * for `publish`. Nothing is stored that lasts, no handler is called, nothing is tried again. In order, for one transaction.
   *
   * @example await bus.broadcast(PriceChanged({ productId, price }), { tx })
   * @throws {PostbusError} what `publish` throws for its events and for `tx`.
   */
  broadcast(events: Envelope | readonly Envelope[], options?: PublishOptions): Promise<void>
  /**
   * Calls `fn` with each event that is broadcast from now on and matches: an event type, a pattern, or a list of them, as in `on` of a
   * handler, upcasts included. Resolves when it hears. The first `listen` of a bus makes a connection, which the last one to stop ends.
   *
   * Calls come in the order in which the events came, and do not wait for a promise that `fn` returns. What `fn` throws is a
   * signal, `listener.failed`, and stops nothing.
   *
   * @example
   * const stop = await bus.listen(PriceChanged, ({ data }) => void prices.delete(data.productId), { onMissed: () => prices.clear() })
   *
   * @throws {PostbusError} `POSTBUS_CANNOT_LISTEN` behind a transaction pooler and with `listen: false`;
   * `POSTBUS_DATABASE_UNREACHABLE` when the first connection cannot be made; `POSTBUS_INVALID_HANDLER` for what cannot be listened to;
   * `POSTBUS_INVALID_OPTIONS`.
   */
  listen<const Listens extends Listening>(
    on: Listens,
    fn: (event: EventFor<Listens>) => unknown,
    options?: ListenOptions,
  ): Promise<StopListening>
}

export interface ListenOptions {
  /**
   * Called when something may have been missed, as soon as everything is heard again: forget what you know, or read it again. Default:
   * only the signals `broadcast.restored` and `broadcast.unreadable` say so.
   */
  readonly onMissed?: ((missed: MissedBroadcasts) => unknown) | undefined
}

/** Why a listener may have missed something. */
export interface MissedBroadcasts {
  /**
   * - `disconnected`: the connection was lost, and is there again.
   * - `unreadable`: something came that this process cannot read, such as an event of a newer version.
   */
  readonly reason: 'disconnected' | 'unreadable'
  /** From when on, by the clock of this process. Of a lost connection: when it was last known to work. */
  readonly since: Date
}

/** Stops listening: nothing is heard after the call. `await using` calls it at the end of its block. */
export interface StopListening {
  (): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
