/** Pulls messages from a JetStream consumer: no more than the process may hold at once, and again after the servers were away. */
import type { Consumer, ConsumerMessages } from '@nats-io/jetstream'
import { performance } from '../clock.ts'
import type { Reception } from '../brokers/reception.ts'
import { safeTextOfError } from '../error-text.ts'
import type { Emit } from '../signals.ts'
import { retryDelays } from '../worker/retry-delays.ts'
import { jetStreamIncoming } from './jet-stream-incoming.ts'
import type { JetStreamMessage } from './jet-stream-message.ts'

export interface PullingParts {
  readonly consumer: Consumer
  readonly reception: Reception<JetStreamMessage>
  readonly inFlight: number
  readonly emit: Emit
  readonly place: Readonly<Record<string, string>>
}

/** How long one pull waits at the server for messages. */
const PULL_MS = 10_000
/** The server may still send messages to a pull that is younger than this, even if no client waits for it any more. */
const YOUNG_MS = 2_500

export class Pulling {
  readonly #parts: PullingParts
  readonly #over = new AbortController()
  #pull: ConsumerMessages | null = null
  /** When the open pull began. `null`: no pull is open. */
  #pulledAt: number | null = null
  #isLost = false

  constructor(parts: PullingParts) {
    this.#parts = parts
  }

  /** Resolves after `stop()`. */
  async run(): Promise<void> {
    const { reception, inFlight } = this.#parts
    const delays = retryDelays(this.#over.signal)
    while (!this.#over.signal.aborted) {
      await reception.fewerThan(Math.ceil(inFlight / 2))
      try {
        await this.#pullOnce(inFlight - reception.count)
        delays.reset()
      } catch (error) {
        this.#lost(error)
        await delays.next()
      }
    }
  }

  async stop(): Promise<void> {
    this.#over.abort()
    await this.#pull?.close().catch(() => undefined) // the pull ended with an error, which `run` handles
  }

  async #pullOnce(most: number): Promise<void> {
    if (this.#over.signal.aborted) return
    const { consumer, reception } = this.#parts
    this.#pulledAt = performance.now()
    const pull = await consumer.fetch({ max_messages: most, expires: PULL_MS })
    this.#pull = pull
    if (this.#over.signal.aborted) return void (await pull.close())
    for await (const message of pull) {
      this.#restored()
      reception.take(jetStreamIncoming(message, () => this.#giveBackAfterMs()))
    }
    if (!this.#over.signal.aborted) this.#pulledAt = null // the server has ended this pull
    this.#restored()
  }

  /** The server must not send a returned message to a pull that was left open: nothing reads it there, so it would come late. */
  #giveBackAfterMs(): number {
    if (this.#pulledAt === null) return 0
    return Math.max(0, Math.ceil(YOUNG_MS - (performance.now() - this.#pulledAt)))
  }

  #lost(error: unknown): void {
    const { emit, place } = this.#parts
    if (this.#isLost || this.#over.signal.aborted) return
    this.#isLost = true
    emit(
      'warn',
      'consumer.lost',
      `Messages of JetStream cannot be pulled: ${safeTextOfError(error)}. Trying again.`,
      place,
    )
  }

  #restored(): void {
    const { emit, place } = this.#parts
    if (!this.#isLost) return
    this.#isLost = false
    emit('info', 'consumer.restored', 'Messages of JetStream are pulled again.', place)
  }
}
