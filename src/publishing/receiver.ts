/** `receive`: a message from outside becomes an event, once, however often it comes. */
import type { PublishedEvent, PublishOptions } from '../events/publish-result.ts'
import type { BusParts } from './backend-override.ts'
import { eventsOf, type Source } from './source.ts'

export interface Received {
  /** `duplicate`: it was received before, so nothing was written. `ignored`: its source made no event of it. */
  readonly is: 'new' | 'duplicate' | 'ignored'
  readonly events: readonly PublishedEvent[]
}

export interface Receiver {
  /**
   * Publishes the event of a message from outside: of a webhook, a broker, an import. Once: a message that comes again has the same event id, as
   * long as its event is kept (`retentionMs`). With `tx`, what you write because of it is one commit with the event. Then acknowledge the message,
   * also a duplicate.
   *
   * Two that come at the same moment wait for each other: the second is a duplicate if the first one commits, and new if it rolls back.
   *
   * @example
   * app.post('/webhooks/stripe', async (request, response) => {
   *   const message = stripe.webhooks.constructEvent(request.body, request.headers['stripe-signature'], secret) // throws if forged
   *   await db.transaction().execute(async (tx) => {
   *     const { is } = await bus.receive(stripeEvents, message, { tx })
   *     if (is === 'new') await payments.add(message, tx)
   *   })
   *   response.sendStatus(204)
   * })
   *
   * @throws {PostbusError} `POSTBUS_INVALID_SOURCE` when a function of the source returned what it may not; what these throw; and what
   * `publish` throws.
   */
  receive<Message>(source: Source<Message>, message: Message, options?: PublishOptions): Promise<Received>
}

export function receiver(publish: BusParts['publish']): Receiver {
  return {
    async receive(source, message, options = {}) {
      const made = eventsOf(source, message)
      if (made.length === 0) return { is: 'ignored', events: [] }
      const { events } = await publish(made, options)
      return { is: events.every(({ duplicate }) => duplicate) ? 'duplicate' : 'new', events }
    },
  }
}
