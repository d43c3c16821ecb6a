/** Passes on in order what came over the connection: events, numbers of stored events that are still to be read, and gaps. */
import type { StoredEvent } from '../../../deliveries/delivery.ts'
import type { MissedBroadcasts } from '../../../broadcast/broadcasts.ts'

export interface InboxParts {
  /** Reads stored messages by their numbers. One that is gone is left out. */
  read(numbers: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** Returns null if the message is not an event. */
  eventIn(message: string): StoredEvent | null
  hear(event: StoredEvent): void
  missed(missed: MissedBroadcasts, problem: string): void
}

type Item = { readonly is: 'message'; readonly text: string } | { readonly is: 'gap'; readonly since: Date }

export class Inbox {
  readonly #parts: InboxParts
  #items: Item[] = []
  #isWorking = false

  constructor(parts: InboxParts) {
    this.#parts = parts
  }

  message(text: string): void {
    this.#items.push({ is: 'message', text })
    void this.#work()
  }

  /** Reports that broadcasts may have been missed since then. */
  gap(since: Date): void {
    this.#items.push({ is: 'gap', since })
    void this.#work()
  }

  /** Drops everything that was not passed on yet: nothing listens any more. */
  clear(): void {
    this.#items = []
  }

  /** Never rejects. Works synchronously, except to read stored messages: all that are waiting are read with one statement. */
  async #work(): Promise<void> {
    if (this.#isWorking) return
    this.#isWorking = true
    while (this.#items.length > 0) {
      const items = this.#items
      this.#items = []
      const numbers = items.flatMap((item) => (item.is === 'message' && isNumber(item.text) ? [item.text] : []))
      const stored = numbers.length === 0 ? NONE : await this.#parts.read(numbers).catch(() => NONE)
      for (const item of items) this.#pass(item, stored)
    }
    this.#isWorking = false
  }

  #pass(item: Item, stored: ReadonlyMap<string, string>): void {
    if (item.is === 'gap') {
      return this.#parts.missed({ reason: 'disconnected', since: item.since }, 'LISTEN was lost')
    }
    const text = isNumber(item.text) ? stored.get(item.text) : item.text
    const event = text === undefined ? null : this.#parts.eventIn(text)
    if (event) return this.#parts.hear(event)
    const problem =
      text === undefined ? 'a stored broadcast could not be read in time' : 'a broadcast is not one of ours'
    this.#parts.missed({ reason: 'unreadable', since: new Date() }, problem)
  }
}

const NONE: ReadonlyMap<string, string> = new Map()

function isNumber(text: string): boolean {
  return /^\d{1,19}$/.test(text)
}
