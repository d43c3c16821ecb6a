/** `bus.events`: looks up published events and what became of them, and waits for their end. */
import type { EventType } from '../events/event.ts'
import type { EventStatus } from './event-status.ts'
import type { EventFilter, EventPage, EventQuery, EventTree } from './event-query.ts'
import type { RecordedEvent } from './recorded-event.ts'
import type { TailQuery } from './tail-query.ts'
import type { WaitOptions } from './wait-options.ts'

export interface EventRecord {
  /**
   * Returns one event, or `null` when no event of this id is stored (any more). With an event type, the data is typed; an event of another type, or
   * of a version that cannot be upcast to this one, gives `null`. Data that this process cannot decode is returned as stored text (`isRaw`), and is
   * not an error.
   *
   * @example const order = await bus.events.get(OrderCreated, id)
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the id is not a UUID; `POSTBUS_INVALID_EVENT` when an event type is given, and SQL has
   * published the event with data that its schema does not accept.
   */
  get(id: string): Promise<RecordedEvent | null>
  get<Type extends string, Version extends number, Data>(
    type: EventType<Type, Version, never, Data>,
    id: string,
  ): Promise<RecordedEvent<Type, Version, Data> | null>
  /**
   * Lists matching events page by page, by default the newest first. For `type`, `partitionKey`, `correlationId`, `causationId`,
   * times, `handler` and `state`, it uses the index that workers maintain; for `metadata` and `text` it reads the events themselves,
   * for 200 ms per page.
   *
   * @example
   * const { events, cursor } = await bus.events.list({ type: 'orders.*', since: yesterday, state: 'dead' })
   *
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` for an unknown or undefined field, or a cursor of another list.
   */
  list(query?: EventQuery): Promise<EventPage>
  /**
   * Returns events as they are committed, in the order of the log, until `signal` aborts or the loop ends. It misses none: if an event was
   * published before others but is committed after them, the others wait for it. It begins with events that are committed from now on; with
   * `since`, with events that were published at that time or later.
   *
   * @example for await (const event of bus.events.tail({ types: ['orders.*'] })) console.log(event.type, event.data)
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`, before the first event; `POSTBUS_CLOSED` when the bus is closed meanwhile.
   */
  tail(query?: TailQuery): AsyncIterable<RecordedEvent>
  /** Returns how many events match. It takes longer than a page, because all of them are counted. */
  count(filter?: EventFilter): Promise<number>
  /** Returns how many events of each type match, the most frequent type first. */
  countByType(filter?: EventFilter): Promise<Readonly<Record<string, number>>>
  /**
   * Returns the events that caused an event, and the events that it caused, to any depth, up to 10,000 events. `null`: no event of
   * this id is stored.
   *
   * @example
   * const tree = await bus.events.tree(id)
   * console.log(tree?.causes.map(({ type }) => type), tree?.caused.map(({ event }) => event.type))
   */
  tree(id: string): Promise<EventTree | null>
  /**
   * Returns what became of an event at each handler that received it, with attempts, times and errors. `null`: no event of this id is
   * stored.
   *
   * @example
   * const status = await bus.events.status(id)
   * for (const { handler, state, errors } of status?.deliveries ?? []) console.log(handler, state, errors.at(-1)?.message)
   */
  status(id: string): Promise<EventStatus | null>
  /**
   * Resolves with the status when no delivery of the event will run again by itself; at once, if this is already so. Dead
   * letters count as ended: check the states. A notification reports the end; in addition, the bus looks every two seconds.
   * All waits of one process share one connection and one statement.
   *
   * If the event was published in a transaction, commit that before you wait here. If the event is not stored yet, this
   * waits for it.
   *
   * @example
   * const { events: [published] } = await bus.publish(ImportRequested({ file }))
   * const { deliveries } = await bus.events.whenFinished(published.id, { timeoutMs: 600_000, includeCaused: true })
   *
   * @throws {PostbusError} `POSTBUS_WAIT_TIMEOUT` after `timeoutMs`; `POSTBUS_CLOSED` when the bus is closed meanwhile.
   */
  whenFinished(id: string, options?: WaitOptions): Promise<EventStatus>
}
