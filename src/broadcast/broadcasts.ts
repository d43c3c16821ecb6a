/**
 * Broadcasts: events only for the processes that listen at this moment.
 *
 * A published event is guaranteed to its handlers: it is stored, and tried until it is handled or is a dead letter. A broadcast has no such
 * guarantee. It is for caches that must forget a value, and pages that show a change. A process that could not listen for a while is told so.
 */
import type { Envelope } from '../events/envelope.ts'
import type { PublishOptions } from '../events/publish-result.ts'
import type { EventFor, Listening } from '../handlers/listens-to.ts'

export interface Broadcasts {
  /**
   * Sends events to every process that listens, including this one: with `tx` when that transaction commits, otherwise at once. The
   * transaction is found as for `publish`. Events are not kept, no handler is called, and nothing is tried again. The events of one
   * transaction arrive in order.
   *
   * @example await bus.broadcast(PriceChanged({ productId, price }), { tx })
   * @throws {PostbusError} what `publish` throws for its events and for `tx`.
   */
  broadcast(events: Envelope | readonly Envelope[], options?: PublishOptions): Promise<void>
  /**
   * Calls `fn` with each matching event that is broadcast from now on: an event type, a pattern, or a list of them, as in `on` of a
   * handler, upcasts included. Resolves when it is listening. The first `listen` of a bus opens a connection, which closes when the
   * last one stops.
   *
   * Calls follow the order of the events, and do not wait for a promise that `fn` returns. If `fn` throws, the bus emits the signal
   * `listener.failed`, and goes on.
   *
   * @example
   * const stop = await bus.listen(PriceChanged, ({ data }) => void prices.delete(data.productId), { onMissed: () => prices.clear() })
   *
   * @throws {PostbusError} `POSTBUS_CANNOT_LISTEN` behind a transaction pooler and with `listen: false`;
   * `POSTBUS_DATABASE_UNREACHABLE` when the first connection cannot be made; `POSTBUS_INVALID_HANDLER` when `on` cannot be listened
   * to; `POSTBUS_INVALID_OPTIONS`.
   */
  listen<const Listens extends Listening>(
    on: Listens,
    fn: (event: EventFor<Listens>) => unknown,
    options?: ListenOptions,
  ): Promise<StopListening>
}

export interface ListenOptions {
  /**
   * Called when events may have been missed, as soon as listening works again: discard what you have cached, or read it again.
   * Default: only the signals `broadcast.restored` and `broadcast.unreadable` report it.
   */
  readonly onMissed?: ((missed: MissedBroadcasts) => unknown) | undefined
}

/** Why a listener may have missed something. */
export interface MissedBroadcasts {
  /**
   * - `disconnected`: the connection was lost, and is restored.
   * - `unreadable`: an event came that this process cannot read, for example of a newer version.
   */
  readonly reason: 'disconnected' | 'unreadable'
  /** The time since when events may be missing, by the clock of this process. For a lost connection: when it was last known to work. */
  readonly since: Date
}

/** Stops listening: `fn` is not called after this call. `await using` calls it at the end of its block. */
export interface StopListening {
  (): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
