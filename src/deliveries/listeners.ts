/** Questions about the handlers and event types of a bus, answered without publishing and without a database. */
import type { Envelope } from '../events/envelope.ts'
import type { AnyEventType } from '../handlers/listens-to.ts'
import type { BusParts } from '../publishing/backend-override.ts'
import { checkEnvelope } from '../publishing/checks.ts'
import { traced } from '../publishing/trace.ts'
import { described, explain, listeningTo, type ExplainedHandler, type ListeningHandler } from './explain.ts'

export interface Listeners {
  /**
   * Returns which handlers would receive this event: each handler that listens to its type, whether it is interested, where its
   * delivery would wait, and its options. An error of a filter is part of the result. Publishes nothing, and needs no database.
   *
   * @example const [mail] = (await bus.explain(event)).filter(({ handler }) => handler === 'mail.receipt')
   * @throws {PostbusError} `POSTBUS_INVALID_EVENT` for what is not an event.
   */
  explain(event: Envelope): Promise<readonly ExplainedHandler[]>
  /**
   * Returns the handlers that listen to an event type, in the order of registration. With a name instead of an event
   * type: the handlers of all its versions.
   *
   * @throws {PostbusError} `POSTBUS_INVALID_EVENT` for a name that no event type can have.
   */
  handlersOf(eventType: string | AnyEventType): Promise<readonly ListeningHandler[]>
  /**
   * Returns every handler of this bus, in the order of registration, with what it listens to and its options.
   *
   * @example for (const { handler, listensTo, queue } of await bus.handlers()) console.log(handler, listensTo, queue)
   */
  handlers(): Promise<readonly ListeningHandler[]>
  /** Returns the event types that this bus knows: its own, and the types that its handlers list, each version once. */
  eventTypes(): Promise<readonly AnyEventType[]>
  /**
   * Returns, by the name of the handler, how many deliveries its filter (`interested`) has prevented in this process since this
   * bus was created. They are counted when `publish` asks the filter, whether or not its transaction is committed later.
   *
   * @example { 'finances.create-invoice': 12 }
   */
  filtered(): Readonly<Record<string, number>>
}

type Parts = Pick<BusParts, 'registry' | 'source' | 'defaults' | 'filtered'>

export function listenersOf({ registry, source, defaults, filtered }: Parts): Listeners {
  return {
    async explain(event) {
      checkEnvelope(event)
      const complete = traced(source)(defaults(event)) // before the first await: the caller's own context
      return explain(await registry.load(), complete)
    },
    handlersOf: async (eventType) => listeningTo(await registry.load(), eventType),
    handlers: async () => described((await registry.load()).handlers),
    eventTypes: async () => (await registry.load()).eventTypes,
    filtered: () => filtered.counts(),
  }
}
