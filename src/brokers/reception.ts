/** Receives the messages that a broker hands out: in order, with retries, and acknowledged after the commit. The same for every broker. */
import { safeTextOfError } from '../error-text.ts'
import type { Bus } from '../bus.ts'
import { backendFor, type BusParts } from '../publishing/backend-override.ts'
import type { Source } from '../publishing/source.ts'
import { retryDelays } from '../worker/retry-delays.ts'
import { withinMs } from '../worker/within.ts'
import type { Incoming } from './incoming.ts'
import { isRefusal, read, receiveOnce, type Effects, type Reading } from './receive-once.ts'
import { Turns } from './turns.ts'

export interface ReceptionSettings<Message> {
  readonly bus: Bus
  readonly parts: BusParts
  readonly source: Source<Message>
  readonly effects: Effects<Message> | undefined
  readonly onRejected: ((message: Message, error: unknown) => PromiseLike<unknown> | void) | undefined
  readonly concurrency: number
  readonly key: ((message: Message) => string | null) | undefined
  readonly maxAttempts: number | null
}

interface Held<Message> {
  readonly incoming: Incoming<Message>
  readonly key: string | null
  readonly reading: Reading<Message>
}

type Verdict = 'received' | 'rejected' | 'given-back'

export class Reception<Message> {
  readonly #settings: ReceptionSettings<Message>
  readonly #turns: Turns<Held<Message>>
  readonly #stopping = new AbortController()
  #onRoom: (() => void)[] = []
  #unbegun: readonly Held<Message>[] = []

  constructor(settings: ReceptionSettings<Message>) {
    this.#settings = settings
    this.#turns = new Turns<Held<Message>>({
      concurrency: settings.concurrency,
      keyOf: ({ key }) => key,
      run: (held) => this.#run(held),
    })
  }

  /** How many messages run or wait here. */
  get count(): number {
    return this.#turns.count
  }

  incoming(): readonly Incoming<Message>[] {
    return [...this.#turns.items(), ...this.#unbegun].map(({ incoming }) => incoming)
  }

  take(incoming: Incoming<Message>): void {
    if (this.#stopping.signal.aborted) return incoming.giveBack()
    this.#turns.add(this.#readIn(incoming))
  }

  /** Resolves when fewer than `count` messages run or wait, or when the reception stops. */
  async fewerThan(count: number): Promise<void> {
    while (this.count >= count && !this.#stopping.signal.aborted)
      await new Promise<void>((resolve) => this.#onRoom.push(resolve))
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort()
    this.#tellOfRoom()
    this.#unbegun = this.#turns.clear()
    await withinMs(graceMs, this.#turns.ended())
    for (const { incoming } of this.#unbegun) incoming.giveBack() // after the running ones, which came before them
    this.#unbegun = []
  }

  #readIn(incoming: Incoming<Message>): Held<Message> {
    const { source, key } = this.#settings
    const reading = read(source, incoming.message)
    try {
      return { incoming, reading, key: key?.(incoming.message) ?? null }
    } catch (error) {
      return { incoming, reading: { is: 'unreadable', error }, key: null }
    }
  }

  async #run(held: Held<Message>): Promise<void> {
    try {
      if (held.incoming.gone.aborted) return
      const verdict = await this.#untilSettled(held)
      if (verdict === 'received') await held.incoming.acknowledge()
      if (verdict === 'given-back') held.incoming.giveBack()
    } catch {
      // The broker could not be told. It hands out the message again; then the message is a duplicate, or is rejected again.
    } finally {
      this.#tellOfRoom()
    }
  }

  /** Tries until the message is received or rejected. Gives it up when the consumer stops or the broker takes the message back. */
  async #untilSettled({ incoming, reading }: Held<Message>): Promise<Verdict> {
    const over = AbortSignal.any([this.#stopping.signal, incoming.gone])
    const delays = retryDelays(over)
    for (let failures = 0; !over.aborted;) {
      const error = await this.#attempt(incoming, reading)
      if (error === null) return 'received'
      const isFinal = reading.is === 'unreadable' || isRefusal(error.thrown)
      if (!isFinal && (await this.#databaseAnswers())) failures += 1
      if ((isFinal || this.#isEnough(failures)) && (await this.#reject(incoming, error.thrown))) return 'rejected'
      this.#report(incoming, error.thrown, failures)
      await delays.next()
    }
    return 'given-back'
  }

  async #attempt({ message }: Incoming<Message>, reading: Reading<Message>): Promise<{ thrown: unknown } | null> {
    if (reading.is === 'unreadable') return { thrown: reading.error }
    try {
      await receiveOnce({ ...this.#settings, source: reading.source }, message)
      return null
    } catch (thrown) {
      return { thrown }
    }
  }

  #isEnough(failures: number): boolean {
    const { maxAttempts } = this.#settings
    return maxAttempts !== null && failures >= maxAttempts
  }

  /** Called after a failure. Without a database every message fails, so such a failure does not count against the message. */
  async #databaseAnswers(): Promise<boolean> {
    const { parts } = this.#settings
    return backendFor(parts, receiveOnce)
      .check()
      .then(
        () => true,
        () => false,
      )
  }

  async #reject(incoming: Incoming<Message>, error: unknown): Promise<boolean> {
    const { onRejected, parts, source } = this.#settings
    try {
      await onRejected?.(incoming.message, error)
    } catch (problem) {
      const text = `onRejected of the source "${source.name}" failed: ${safeTextOfError(problem)}. The message is tried again.`
      parts.emit('error', 'message.failed', text, { source: source.name, ...incoming.place })
      return false
    }
    await incoming.reject(safeTextOfError(error))
    const text = `A message of "${source.name}" is rejected for good: ${safeTextOfError(error)}`
    parts.emit('error', 'message.rejected', text, {
      source: source.name,
      ...incoming.place,
      error: safeTextOfError(error),
    })
    return true
  }

  #report(incoming: Incoming<Message>, error: unknown, failures: number): void {
    const { parts, source } = this.#settings
    const text = `A message of "${source.name}" could not be received, and is tried again: ${safeTextOfError(error)}`
    parts.emit('warn', 'message.failed', text, { source: source.name, ...incoming.place, failures })
  }

  #tellOfRoom(): void {
    const waiting = this.#onRoom
    this.#onRoom = []
    for (const resolve of waiting) resolve()
  }
}
