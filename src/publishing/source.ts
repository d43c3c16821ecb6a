/** `defineSource` declares how messages from outside become events: messages of a webhook, a broker, or a file that is read repeatedly. */
import { PostbusError } from '../errors.ts'
import { idFrom } from '../events/event-id.ts'
import type { Envelope } from '../events/envelope.ts'
import { checkName } from '../names.ts'

type Made = Envelope | readonly Envelope[] | null | undefined

export interface SourceDefinition<Message> {
  /** Returns the source's own id of this message, the same each time that the source sends it. Never empty. */
  readonly id: (message: Message) => string
  /**
   * Makes one event or several. Their ids are replaced by ids derived from the message's id. Return `null` to ignore the message. Throw for a
   * message that is wrong.
   */
  readonly event: (message: Message) => Made
}

/** A declared source. */
export interface Source<Message = never> extends SourceDefinition<Message> {
  readonly name: string
}

/**
 * Declares where messages come from, for `bus.receive`.
 *
 * @example
 * const stripe = defineSource('stripe', {
 *   id: (message: Stripe.Event) => message.id,
 *   event: ({ type, data }) => (type === 'charge.succeeded' ? PaymentReceived({ orderId: data.object.metadata.orderId }) : null),
 * })
 *
 * @param name dotted, lower case. Event ids are derived from it: if you change it, messages that were already received count as
 * new.
 * @throws {PostbusError} `POSTBUS_INVALID_SOURCE` when the name or a function cannot be used.
 */
export function defineSource<Message>(name: string, definition: SourceDefinition<Message>): Source<Message> {
  checkName(name, 'Source', 'POSTBUS_INVALID_SOURCE')
  for (const part of ['id', 'event'] as const)
    if (typeof definition[part] !== 'function') throw invalid(name, `expected \`${part}\` to be a function.`)
  return { name, id: definition.id, event: definition.event } // not frozen: tests spy on its functions
}

/**
 * Returns the events of a message; an empty list if the message is ignored.
 *
 * @throws {PostbusError} `POSTBUS_INVALID_SOURCE` when a function of the source returned an invalid value; and what the
 * function throws.
 */
export function eventsOf<Message>(source: Source<Message>, message: Message): readonly Envelope[] {
  const id: unknown = source.id(message)
  if (typeof id !== 'string' || id === '')
    throw invalid(source.name, `\`id\` returned ${id === '' ? 'an empty text' : typeof id}: expected text.`)
  const made: unknown = source.event(message) ?? []
  return (Array.isArray(made) ? (made as unknown[]) : [made]).map((event, place) => {
    if (!isEvent(event))
      throw invalid(
        source.name,
        '`event` returned no event: expected what an event type makes, a list of these, or null.',
      )
    return Object.freeze({
      ...event,
      id: idFrom(JSON.stringify([source.name, id, place])),
      source: event.source ?? source.name,
    })
  })
}

function isEvent(value: unknown): value is Envelope {
  return typeof value === 'object' && value !== null && 'type' in value && 'id' in value // `publish` checks the rest
}

function invalid(name: string, problem: string): PostbusError {
  return new PostbusError('POSTBUS_INVALID_SOURCE', `Source "${name}": ${problem}`)
}
