/** `receive`: turns a message from outside into an event, once, even if the message comes several times. */
import type { PublishedEvent, PublishOptions } from '../events/publish-result.ts'
import type { BusParts } from './backend-override.ts'
import { eventsOf, type Source } from './source.ts'

export interface Received {
  /** `duplicate`: the message was received before, so nothing was written. `ignored`: its source made no event from it. */
  readonly is: 'new' | 'duplicate' | 'ignored'
  readonly events: readonly PublishedEvent[]
}

export interface Receiver {
  /**
   * Publishes the event of a message from outside: a webhook, a broker, an import. It does so once: a message that comes again has the same event
   * id, which counts as long as its event is kept (`retentionMs`). With `tx`, the event and what you write are one commit. Then acknowledge the
   * message, even if it is a duplicate.
   *
   * If the same message comes twice at the same moment, the second call waits: it is a duplicate if the first commits, and new if the first rolls
   * back.
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
   * @throws {PostbusError} `POSTBUS_INVALID_SOURCE` when a function of the source returned an invalid value; what these functions throw; and what
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
