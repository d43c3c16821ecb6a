/** `jetStream`: an engine for handlers with `delivery: 'log'`. One worker copies the log to a JetStream stream, and all workers read it there. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { Status, Subscription } from '@nats-io/transport-node'
import { z } from 'zod'
import { safeTextOfError } from '../error-text.ts'
import type { EngineParts, LogEngine, RunningEngine } from '../deliveries/log-engine.ts'
import { isOnePlace, natsPlace, ONE_PLACE, openNats, type NatsPlace, type OpenNats } from '../nats/nats-place.ts'
import { parseOptions } from '../parse-options.ts'
import { retryDelays } from '../worker/retry-delays.ts'
import { decodeProgress } from './relay-progress.ts'
import { Relay } from './relay.ts'
import type { OpenJetStream } from './relay-session.ts'
import { progressSubject, STREAM_NAME, streamOf } from './stream-names.ts'
import { StreamSource } from './stream-source.ts'

export interface JetStreamOptions extends NatsPlace {
  /** The name of the stream. Each database needs a stream of its own. Each tenant gets one with its name added. Default: `postbus`. */
  readonly stream?: string
  /** The number of subjects among which the keys are divided. A worker receives only the subjects of its shards. Best a multiple of `shards`. Default: 64. */
  readonly partitions?: number
  /** The number of servers that store a new stream. Default: 1. */
  readonly replicas?: number
  /** How long events stay in a new stream, in milliseconds. Workers read older events from Postgres. Default: a day. */
  readonly maxAgeMs?: number
  /** The largest size of a new stream, in bytes. A full stream drops its oldest events. Default: no limit. */
  readonly maxBytes?: number
  readonly domain?: string
}

const options = z
  .strictObject({
    ...natsPlace,
    stream: z.string().regex(STREAM_NAME).default('postbus'),
    partitions: z.int().min(1).max(1_024).default(64),
    replicas: z.int().min(1).max(5).default(1),
    maxAgeMs: z.int().min(60_000).max(3_650 * 86_400_000).default(86_400_000), // prettier-ignore
    maxBytes: z.int().min(1_048_576).optional(),
    domain: z.string().min(1).optional(),
  })
  .refine(isOnePlace, ONE_PLACE)

type Settings = z.output<typeof options>

/**
 * Makes an engine: handlers with `delivery: 'log'` read their events from a JetStream stream. Nothing else changes. One of the workers copies the log to the stream. All workers may have the engine, or only some.
 *
 * @example
 * export const bus = createBus({
 *   connectionString,
 *   handlers,
 *   engine: jetStream({ servers: 'nats://localhost:4222' }),
 * })
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`.
 */
export function jetStream(given: JetStreamOptions): LogEngine {
  const settings = parseOptions('jetStream()', options, given)
  return Object.freeze({ name: 'jetstream', open: (parts: EngineParts) => new JetStreamEngine(settings, parts) })
}

type Part = 'relayed to JetStream' | 'read from JetStream'

class JetStreamEngine implements RunningEngine {
  readonly #settings: Settings
  readonly #parts: EngineParts
  readonly #over = new AbortController()
  readonly #relay: Relay
  readonly #source: StreamSource
  readonly #stream: string
  #nats: OpenNats | null = null
  #opening: Promise<OpenJetStream> | null = null
  #subscription: Subscription | null = null
  /** The client can stop this iterator, although its type does not say so. */
  #changes: (AsyncIterable<Status> & { stop?(): void }) | null = null
  readonly #failing = new Set<Part>()

  constructor(settings: Settings, parts: EngineParts) {
    this.#settings = settings
    this.#parts = parts
    this.#stream = streamOf(settings.stream, parts.tenant)
    const common = (part: Part) => ({
      connect: () => this.#connect(),
      onFailed: (error: unknown) => this.#failed(part, error),
      onWorks: () => this.#works(part),
    })
    this.#relay = new Relay({
      ...parts,
      ...common('relayed to JetStream'),
      settings: { ...settings, stream: this.#stream, maxBytes: settings.maxBytes ?? null },
    })
    this.#source = new StreamSource({
      ...common('read from JetStream'),
      log: parts.log,
      stream: this.#stream,
      serverLife: () => this.#relay.serverLife,
      onMissing({ after, upTo }) {
        const message = `The stream does not hold all events from ${after + 1} to ${upTo}: they are read from Postgres.`
        parts.emit('debug', 'engine.missing', message, { after, upTo })
      },
    })
  }

  start(): void {
    this.#relay.start()
    void this.#connect().catch(() => undefined) // the engine was closed first
  }

  wake(): void {
    this.#relay.wake()
  }

  look: RunningEngine['look'] = (known) => this.#source.look(known)
  read: RunningEngine['read'] = (piece) => this.#source.read(piece)

  async close(): Promise<void> {
    this.#over.abort()
    await Promise.all([this.#relay.close(), this.#source.close()])
    await this.#opening?.catch(() => undefined)
    this.#subscription?.unsubscribe() // the application may own the connection, and keep it open
    this.#changes?.stop?.()
    await this.#nats?.close()
  }

  /** Tries until there is a connection. The client then reconnects by itself. */
  #connect(): Promise<OpenJetStream> {
    this.#opening ??= this.#open()
    return this.#opening
  }

  async #open(): Promise<OpenJetStream> {
    const { signal } = this.#over
    const delays = retryDelays(signal)
    for (;;) {
      signal.throwIfAborted()
      try {
        return await this.#openOnce()
      } catch (error) {
        if (this.#nats?.connection.isClosed()) this.#nats = null
        this.#failed('relayed to JetStream', error)
        await delays.next()
      }
    }
  }

  async #openOnce(): Promise<OpenJetStream> {
    const nats = (this.#nats ??= await openNats(this.#settings, 'postbus engine'))
    const { connection } = nats
    const domain = this.#settings.domain === undefined ? {} : { domain: this.#settings.domain }
    const manager = await jetstreamManager(connection, { ...domain, checkAPI: false })
    this.#subscription = connection.subscribe(progressSubject(this.#stream), {
      callback: (error, message) => {
        if (error) return this.#failed('read from JetStream', error)
        const progress = decodeProgress(message.string())
        if (progress === null) return
        this.#source.learn(progress)
        this.#parts.onProgress()
      },
    })
    this.#changes = connection.status()
    void this.#watch(this.#changes)
    return { connection, manager, client: jetstream(connection, domain) }
  }

  /** Messages that were on their way when the connection broke are lost. If the connection is closed for good, opens another one. */
  async #watch(changes: AsyncIterable<{ readonly type: string }>): Promise<void> {
    for await (const { type } of changes) if (type === 'reconnect') await this.#source.reset()
    if (this.#over.signal.aborted) return
    this.#nats = null
    this.#opening = null
    void this.#connect().catch(() => undefined) // the engine was closed first
  }

  #failed(part: Part, error: unknown): void {
    if (this.#failing.has(part) || this.#over.signal.aborted) return
    this.#failing.add(part)
    const message = `The log cannot be ${part}: ${safeTextOfError(error)}. Trying again. Publishers do not wait for it.`
    this.#parts.emit('warn', 'engine.failed', message, { stream: this.#stream })
  }

  #works(part: Part): void {
    if (!this.#failing.delete(part)) return
    this.#parts.emit('info', 'engine.restored', `The log is ${part} again.`, { stream: this.#stream })
  }
}
