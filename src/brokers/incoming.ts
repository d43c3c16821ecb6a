/** A message that a broker has handed out, and how to acknowledge it, give it back or reject it. Hides the differences between brokers. */

export interface Incoming<Message> {
  readonly message: Message
  /** Where the message is at the broker, for signals and errors: names and numbers, nothing of its content. */
  readonly place: Readonly<Record<string, string | number>>
  /** Aborted when the broker has taken the message back. The broker hands it out again, so there is nothing left to do here. */
  readonly gone: AbortSignal
  /** Tells the broker that work on the message goes on. Needed for brokers that hand out a slow message again. */
  keep(): void
  /** Tells the broker that the event is committed. If the broker does not hear this, it hands out the message again, as a duplicate. */
  acknowledge(): Promise<void>
  /** Tells the broker that nothing was done. The broker hands out the message again, at once or after a short delay. */
  giveBack(): void
  /** Tells the broker never to hand out the message again. */
  reject(reason: string): Promise<void>
}
