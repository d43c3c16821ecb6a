/** The functions that listen to a bus in this process. If one throws, the others still get the event. */
import { openedOrError } from '../attempt/open-envelope.ts'
import type { Codec } from '../codec/codec.ts'
import type { StoredEvent } from '../deliveries/delivery.ts'
import { safeTextOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { LazyRegistry } from '../handlers/lazy-registry.ts'
import { isReadable } from '../handlers/reading.ts'
import type { Emit } from '../signals.ts'
import type { ListenOptions, MissedBroadcasts } from './broadcasts.ts'

/** `handler`: what it listens to and the function that it calls, in the form of a handler that is never registered. */
export interface Listener {
  readonly handler: AnyHandler
  readonly onMissed: ListenOptions['onMissed']
}

export interface ListenersParts {
  readonly registry: LazyRegistry
  readonly codec: Codec
  readonly emit: Emit
}

export class BroadcastListeners {
  readonly #parts: ListenersParts
  readonly #listening = new Set<Listener>()

  constructor(parts: ListenersParts) {
    this.#parts = parts
  }

  /** Adds a listener. Returns the function that removes it. */
  add(listener: Listener): () => void {
    this.#listening.add(listener)
    return () => void this.#listening.delete(listener)
  }

  /** Passes an event to the listeners. Each gets its own copy, in the version that it reads. */
  hear(event: StoredEvent): void {
    for (const listener of this.#listening) this.#tell(listener, event)
  }

  /** Tells all listeners that they may have missed events. */
  missed(missed: MissedBroadcasts): void {
    for (const listener of this.#listening) this.#tellMissed(listener, missed)
  }

  #tell(listener: Listener, event: StoredEvent): void {
    const { registry, codec } = this.#parts
    const { handler } = listener
    const reading = registry.loaded()?.readingOf(handler, event) ?? { is: 'not-heard' }
    if (reading.is === 'not-heard') return
    if (!isReadable(reading)) return this.#unreadable(listener, event, 'this process does not know that version.')
    const opened = openedOrError(event, reading, codec)
    if (opened instanceof PostbusError) return this.#unreadable(listener, event, opened.message)
    this.#call(() => handler.handle(opened as never, undefined as never))
  }

  #unreadable(listener: Listener, { type, id, version }: StoredEvent, problem: string): void {
    const message = `A broadcast of ${type} version ${version} cannot be read: ${problem}`
    this.#parts.emit('warn', 'broadcast.unreadable', message, { type, eventId: id })
    this.#tellMissed(listener, { reason: 'unreadable', since: new Date() })
  }

  #tellMissed({ onMissed }: Listener, missed: MissedBroadcasts): void {
    if (onMissed) this.#call(() => onMissed(missed))
  }

  /** Calls code of the application, and keeps its errors from the caller. */
  #call(listener: () => unknown): void {
    const failed = (error: unknown) => {
      const message = `A listener threw: ${safeTextOfError(error)}`
      this.#parts.emit('error', 'listener.failed', message, { error })
    }
    try {
      const returned = listener()
      if (isThenable(returned)) returned.then(undefined, failed)
    } catch (error) {
      failed(error)
    }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
