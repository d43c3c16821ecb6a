/** What a bus can be asked about its handlers and event types, without publishing anything and without a database. */
import type { Envelope } from '../events/envelope.ts'
import type { AnyEventType } from '../handlers/listens-to.ts'
import type { BusParts } from '../publishing/backend-override.ts'
import { checkEnvelope } from '../publishing/checks.ts'
import { traced } from '../publishing/trace.ts'
import { described, explain, listeningTo, type ExplainedHandler, type ListeningHandler } from './explain.ts'

export interface Listeners {
  /**
   * Who would receive this event: each handler that listens to its type, with whether it is interested, where its delivery would
   * wait, and its options. What a filter throws is part of the answer. Publishes nothing, and needs no database.
   *
   * @example const [mail] = (await bus.explain(event)).filter(({ handler }) => handler === 'mail.receipt')
   * @throws {PostbusError} `POSTBUS_INVALID_EVENT` for what is not an event.
   */
  explain(event: Envelope): Promise<readonly ExplainedHandler[]>
  /**
   * The handlers that listen to an event type, in the order of registration. By its name, those of all its versions.
   *
   * @throws {PostbusError} `POSTBUS_INVALID_EVENT` for a name that no event type could have.
   */
  handlersOf(eventType: string | AnyEventType): Promise<readonly ListeningHandler[]>
  /**
   * Every handler of this bus, in the order of registration, with what it listens to and its options.
   *
   * @example for (const { handler, listensTo, queue } of await bus.handlers()) console.log(handler, listensTo, queue)
   */
  handlers(): Promise<readonly ListeningHandler[]>
  /** The event types that this bus knows: those it was given, and those that its handlers list, each version once. */
  eventTypes(): Promise<readonly AnyEventType[]>
  /**
   * How many deliveries the filters (`interested`) of handlers have kept away since this bus was created, in this process, by the
   * handlers' names. Counted when `publish` asks them, whether or not its transaction is committed later.
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
