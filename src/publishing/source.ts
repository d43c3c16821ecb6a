/** `defineSource` says how messages from outside become events: those of a webhook, a broker, a file that is read again and again. */
import { PostbusError } from '../errors.ts'
import { idFrom } from '../events/event-id.ts'
import type { Envelope } from '../events/envelope.ts'
import { checkName } from '../names.ts'

type Made = Envelope | readonly Envelope[] | null | undefined

export interface SourceDefinition<Message> {
  /** What the source itself calls this message, the same each time that it sends it. Never empty. */
  readonly id: (message: Message) => string
  /**
   * Makes the event, or several. Their ids are replaced by ones that follow from the message's. `null`: this message is nothing to us. It throws
   * for a message that has something wrong with it.
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
 * @param name dotted, lower case. Ids follow from it: under another name, messages that were received would be new again.
 * @throws {PostbusError} `POSTBUS_INVALID_SOURCE` when the name or a function cannot be used.
 */
export function defineSource<Message>(name: string, definition: SourceDefinition<Message>): Source<Message> {
  checkName(name, 'Source', 'POSTBUS_INVALID_SOURCE')
  for (const part of ['id', 'event'] as const)
    if (typeof definition[part] !== 'function') throw invalid(name, `expected \`${part}\` to be a function.`)
  return { name, id: definition.id, event: definition.event } // not frozen: tests spy on its functions
}

/**
 * The events of a message. None: it is nothing to us.
 *
 * @throws {PostbusError} `POSTBUS_INVALID_SOURCE` when a function of the source returned something else; and what it throws.
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
  return typeof value === 'object' && value !== null && 'type' in value && 'id' in value // what it is, publish checks
}

function invalid(name: string, problem: string): PostbusError {
  return new PostbusError('POSTBUS_INVALID_SOURCE', `Source "${name}": ${problem}`)
}
