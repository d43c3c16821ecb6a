/** A message that a broker has handed out, and the ways to give it out of hand. What differs between brokers lies behind this. */

export interface Incoming<Message> {
  readonly message: Message
  /** Where it lies at the broker, for signals and errors: names and numbers, nothing of its content. */
  readonly place: Readonly<Record<string, string | number>>
  /** Aborted when the broker has taken it back: it will hand it out again, so that there is nothing left to do here. */
  readonly gone: AbortSignal
  /** Tells the broker that there is still work on it, if it is one that hands out again what takes long. */
  keep(): void
  /** What it stands for is committed. A broker that does not hear of it hands the message out again, and it is a duplicate then. */
  acknowledge(): Promise<void>
  /** Nothing was done: the broker hands it out again, at once. */
  giveBack(): void
  /** It is never to come again. */
  reject(reason: string): Promise<void>
}
