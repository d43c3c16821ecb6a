/**
 * Finishers: for each event type with a `finishedEvent`, a handler that publishes this event. Its delivery is written together
 * with the deliveries of the other handlers, and is due when these have all ended: see `backends/postgres/functions/finish.ts`.
 */
import { createHash } from 'node:crypto'
import { detailsOf, type FinishedEvent } from '../events/event-details.ts'
import type { Envelope } from '../events/envelope.ts'
import type { EndedDelivery } from '../events/event-type.ts'
import { PostbusError } from '../errors.ts'
import { storedName } from '../names.ts'
import { defineHandler, type AnyHandler } from './handler.ts'
import type { HandlerContext } from './handler-context.ts'
import type { AnyEventType } from './listens-to.ts'
import { isLogHandler } from './log-delivery.ts'
import { runsInPublish } from './transactional.ts'

/** The prefix of the names of finishers. */
export const FINISHER_PREFIX = 'postbus.finished.'

const makers = new WeakMap<AnyHandler, FinishedEvent>()

/** A finisher is named after the first name of its event type, which a rename does not change. */
export function finishersOf(eventTypes: readonly AnyEventType[]): readonly AnyHandler[] {
  const followed = eventTypes.filter((eventType) => detailsOf(eventType).finishedEvent)
  return [...Map.groupBy(followed, ({ type }) => type).values()].map(finisherFor)
}

/** `versions`: the versions of one event type, at least one. */
function finisherFor(versions: readonly AnyEventType[]): AnyHandler {
  const { type, previousNames, definedAt } = versions[0]!
  const finisher: AnyHandler = {
    ...defineHandler(`${FINISHER_PREFIX}${storedName(type, previousNames)}`, {
      on: versions,
      handle() {
        throw new PostbusError('POSTBUS_INVALID_HANDLER', 'A finisher runs where its event is stored.')
      },
    }),
    definedAt,
  }
  makers.set(finisher, (event, deliveries) => {
    const made = versions.find((version) => version.is(event)) ?? versions[0]!
    return detailsOf(made).finishedEvent!(event, deliveries)
  })
  return finisher
}

export function isFinisher(handler: AnyHandler): boolean {
  return makers.has(handler)
}

/**
 * The number of handlers that will receive an event, as a publisher sees it. Finishers do not count, because publishers do not
 * know them; nor do handlers that read the log, which are asked later, and handlers that run inside `publish`, which have already
 * run.
 */
export function countReceivers(handlers: readonly AnyHandler[]): number {
  return handlers.filter((handler) => !isFinisher(handler) && !isLogHandler(handler) && !runsInPublish(handler)).length
}

/**
 * For a finisher, returns the handler that publishes the following event; `deliveries` returns what became of the first
 * event. For every other handler, returns `null`.
 */
export function finishing(handler: AnyHandler, deliveries: () => Promise<readonly EndedDelivery[]>): AnyHandler | null {
  const make = makers.get(handler)
  if (!make) return null
  return {
    ...handler,
    handle: async (event: Envelope, { publish }: HandlerContext) => {
      const others = (await deliveries()).filter((one) => one.handler !== handler.name)
      const made: unknown = make(event, others)
      if (!isEvent(made)) throw notAnEvent(event)
      await publish(Object.freeze({ ...made, id: followingId(event.id) }))
    },
  }
}

/** The same id at every attempt, so that an event that is published twice is stored once. */
function followingId(id: string): string {
  const hex = createHash('sha256').update(`${id} finished`).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

function isEvent(made: unknown): made is Envelope {
  return typeof made === 'object' && made !== null && 'id' in made && 'type' in made
}

function notAnEvent({ type, id }: Envelope): PostbusError {
  return new PostbusError(
    'POSTBUS_INVALID_EVENT',
    `\`finishedEvent\` of ${type} returned no event for ${id}: expected what an event type makes, such as ImportFinished({ … }).`,
  )
}
