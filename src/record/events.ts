/** `bus.events`: what was published, what became of it, and waiting for its end. */
import type { EventType } from '../events/event.ts'
import type { EventStatus } from './event-status.ts'
import type { EventFilter, EventPage, EventQuery, EventTree } from './event-query.ts'
import type { RecordedEvent } from './recorded-event.ts'
import type { TailQuery } from './tail-query.ts'
import type { WaitOptions } from './wait-options.ts'

export interface EventRecord {
  /**
   * One event, or `null` when none of this id is stored (any more). With an event type its data is typed, and an event of another
   * type is `null`, as is one of a version that cannot be brought to this one. What this process cannot decode is shown as it is stored (`isRaw`), never an error.
   *
   * @example const order = await bus.events.get(OrderCreated, id)
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the id is not a UUID; `POSTBUS_INVALID_EVENT` when it is asked for as an
   * event type, and SQL has published it with data that its schema does not accept.
   */
  get(id: string): Promise<RecordedEvent | null>
  get<Type extends string, Version extends number, Data>(
    type: EventType<Type, Version, never, Data>,
    id: string,
  ): Promise<RecordedEvent<Type, Version, Data> | null>
  /**
   * Events that match, the newest first unless asked otherwise, page by page. Looked up by workers' index for `type`, `partitionKey`,
   * `correlationId`, `causationId`, times, `handler` and `state`; `metadata` and `text` read the events themselves, for 200 ms a page.
   *
   * @example
   * const { events, cursor } = await bus.events.list({ type: 'orders.*', since: yesterday, state: 'dead' })
   *
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` for an unknown or undefined field, or a cursor of another list.
   */
  list(query?: EventQuery): Promise<EventPage>
  /**
   * Events as they are committed, in the order of the log, until `signal` aborts or the loop is left. None is passed over: an event that was
   * published before others and is committed after them holds them up until then. It begins with what is committed from now on;
   * with `since`, with what was published from then on.
   *
   * @example for await (const event of bus.events.tail({ types: ['orders.*'] })) console.log(event.type, event.data)
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`, before the first event; `POSTBUS_CLOSED` when the bus is closed meanwhile.
   */
  tail(query?: TailQuery): AsyncIterable<RecordedEvent>
  /** How many events match. Takes longer than a page: all of them are counted. */
  count(filter?: EventFilter): Promise<number>
  /** How many of each type match, the most frequent first. */
  countByType(filter?: EventFilter): Promise<Readonly<Record<string, number>>>
  /**
   * What caused an event, and what it caused, to any depth; of a larger tree 10,000 events. `null`: no event of this id is stored.
   *
   * @example
   * const tree = await bus.events.tree(id)
   * console.log(tree?.causes.map(({ type }) => type), tree?.caused.map(({ event }) => event.type))
   */
  tree(id: string): Promise<EventTree | null>
  /**
   * What became of an event at each handler that received it, with attempts, times and errors. `null`: no event of this id is stored.
   *
   * @example
   * const status = await bus.events.status(id)
   * for (const { handler, state, errors } of status?.deliveries ?? []) console.log(handler, state, errors.at(-1)?.message)
   */
  status(id: string): Promise<EventStatus | null>
  /**
   * Resolves with the status when nothing of the event will run again by itself; at once, if that is so already. Dead letters
   * count as an end: look at the states. It hears of the end by a notification, and looks every two seconds beneath that. Many
   * waits in one process share one connection and one statement.
   *
   * An event that was published in a transaction must be committed before; one that is not stored yet is waited for.
   *
   * @example
   * const { events: [published] } = await bus.publish(ImportRequested({ file }))
   * const { deliveries } = await bus.events.whenFinished(published.id, { timeoutMs: 600_000, includeCaused: true })
   *
   * @throws {PostbusError} `POSTBUS_WAIT_TIMEOUT` after `timeoutMs`; `POSTBUS_CLOSED` when the bus is closed meanwhile.
   */
  whenFinished(id: string, options?: WaitOptions): Promise<EventStatus>
}
