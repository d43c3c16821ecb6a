/**
 * Moves the log to the stream, in the order of the log and behind its watermark. The worker that holds the lease of the stream does this. Only the
 * end of the stream tells where to go on.
 *
 *   lease ──► the end of the stream ──► look, read, write a group, tell ──► …
 *                     ▲                                     │
 *                     └──────── after an error ─────────────┘
 */
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { performance } from '../clock.ts'
import type { EngineParts } from '../deliveries/log-engine.ts'
import type { LogLook } from '../deliveries/log-reading.ts'
import { every } from '../worker/every.ts'
import { Gate } from '../worker/gate.ts'
import { retryDelays } from '../worker/retry-delays.ts'
import { eraseMessages } from './erasure.ts'
import { encodeNews } from './news.ts'
import { newsSubject } from './stream-names.ts'
import { BEAT_MS, StreamLease } from './stream-lease.ts'
import { recreated, streamEnd, type StreamEnd, type StreamSettings } from './stream-setup.ts'
import { Duplicate, StreamWriter } from './stream-writer.ts'

const FEWEST = 100
const MOST = 1_000
const LARGE_READ = 4 * 1_048_576
const LONGEST_STRETCH = 20_000
/** The first and the longest wait before another look, while a publisher has taken a number and not committed. */
const FIRST_LOOK_MS = 2
const LAST_LOOK_MS = 50

/** An open connection, as relay and readers use it. */
export interface OpenJetStream {
  readonly connection: NatsConnection
  readonly client: JetStreamClient
  readonly manager: JetStreamManager
}

export interface RelayParts extends Pick<EngineParts, 'relays' | 'pollMs'> {
  readonly settings: StreamSettings
  /** Resolves when there is a connection. */
  connect(): Promise<OpenJetStream>
  onFailed(error: unknown): void
  onWorks(): void
}

const NOTHING_KNOWN: LogLook = { final: 0, gap: null, heldBy: null, taken: 0, life: null }

export class Relay {
  readonly #parts: RelayParts
  readonly #lease: StreamLease
  readonly #over = new AbortController()
  readonly #news = new Gate()
  #writer: StreamWriter | null = null
  #most = FEWEST
  #toldAt = -Infinity
  #hasDuplicates = false
  #erased = 0
  #work: Promise<unknown> = Promise.resolve()

  constructor(parts: RelayParts) {
    this.#parts = parts
    this.#lease = new StreamLease(parts.relays, parts.settings.stream)
  }

  start(): void {
    this.#work = Promise.all([this.#keepLease(), this.#keepRelaying()])
  }

  /** There may be new events. */
  wake(): void {
    this.#news.open()
  }

  async close(): Promise<void> {
    this.#over.abort()
    this.#news.open()
    await this.#work
    await this.#lease.leave()
  }

  async #keepLease(): Promise<void> {
    const beat = async () => {
      const wasOurs = this.#lease.isOurs
      await this.#lease.beat(this.#writer?.number ?? null)
      if (this.#lease.isOurs || wasOurs) this.#news.open()
    }
    await beat().catch(() => undefined) // the next one comes in a second
    await every(BEAT_MS, beat, this.#over.signal)
  }

  async #keepRelaying(): Promise<void> {
    const { signal } = this.#over
    const delays = retryDelays(signal)
    while (!signal.aborted) {
      try {
        if (this.#lease.isOurs) await this.#relay(() => delays.reset())
        else await this.#news.wait(null)
      } catch (error) {
        this.#hasDuplicates = error instanceof Duplicate
        if (signal.aborted) return
        this.#parts.onFailed(error)
        await delays.next()
      }
      this.#writer = null
    }
  }

  /** Relays until the lease is lost, Postgres has crashed, or something fails. */
  async #relay(onWorks: () => void): Promise<void> {
    const { relays, settings, connect, pollMs } = this.#parts
    const nats = await connect()
    let look = await relays.look(NOTHING_KNOWN)
    const { life } = look
    const end = await this.#end(nats, life)
    const from = end.number ?? (await relays.firstPosition()) ?? look.final
    const { stream, partitions } = settings
    const writer = new StreamWriter({ ...nats, stream, partitions, hasDuplicates: this.#hasDuplicates }, end, from)
    this.#writer = writer
    this.#toldAt = -Infinity
    look = { ...NOTHING_KNOWN, final: from, life }
    let lookAgainMs = FIRST_LOOK_MS
    while (this.#isGoingOn()) {
      look = await relays.look(look)
      if (look.life !== life) return
      const isNew = writer.number < look.final
      while (writer.number < look.final && this.#isGoingOn()) {
        await this.#move(writer, look.final)
        this.#tell(nats, writer, { created: end.created, life })
      }
      if (performance.now() - this.#toldAt >= BEAT_MS) {
        this.#erased += await eraseMessages(nats.manager, stream, relays)
        this.#tell(nats, writer, { created: end.created, life })
      }
      onWorks()
      this.#parts.onWorks()
      lookAgainMs = isNew ? FIRST_LOOK_MS : Math.min(2 * lookAgainMs, LAST_LOOK_MS)
      await this.#news.wait(look.taken <= look.final ? Math.min(BEAT_MS, pollMs) : lookAgainMs)
    }
  }

  #isGoingOn(): boolean {
    return this.#lease.isOurs && !this.#over.signal.aborted
  }

  /** After a crash, Postgres may have lost events that the stream has, and may give their numbers to others. */
  async #end({ manager }: OpenJetStream, life: string | null): Promise<StreamEnd> {
    const { settings, relays } = this.#parts
    const known = await this.#lease.known()
    const isOtherLife = life !== null && known.life !== null && known.life !== life
    const end = isOtherLife
      ? await recreated(manager, settings, known.id)
      : await streamEnd(manager, settings, known.id)
    if (life !== null && known.life !== life) await relays.noteLife(settings.stream, life)
    return end
  }

  async #move(writer: StreamWriter, final: number): Promise<void> {
    const most = this.#most
    const after = writer.number
    const upTo = Math.min(final, after + LONGEST_STRETCH)
    const events = await this.#parts.relays.read({ after, upTo, most, shards: null, types: null })
    await writer.write(events)
    if (events.length < most) writer.passTo(upTo)
    const size = events.reduce((sum, { payload }) => sum + (payload?.length ?? 0), 0)
    if (size > LARGE_READ) this.#most = Math.max(1, Math.floor(most / 4))
    else if (size < LARGE_READ / 4 && events.length === most) this.#most = Math.min(2 * most, MOST)
  }

  #tell(
    { connection }: OpenJetStream,
    { number, last, lastOf }: StreamWriter,
    from: { readonly created: string; readonly life: string | null },
  ): void {
    this.#toldAt = performance.now()
    connection.publish(
      newsSubject(this.#parts.settings.stream),
      encodeNews({ number, last, lastOf, erased: this.#erased, ...from }),
    )
  }
}
