/**
 * Copies the log to the stream: in the order of the log, only events that are final, and beginning after the last event in the stream. A session ends
 * when the lease is lost, when Postgres has crashed, or when something fails. The next session looks up the last event in the stream again.
 */
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { performance } from '../clock.ts'
import type { EngineParts } from '../deliveries/log-engine.ts'
import { NOTHING_KNOWN, type LogLook } from '../deliveries/log-reading.ts'
import type { Gate } from '../worker/gate.ts'
import { payloadSize, ReadSize } from '../worker/log/read-size.ts'
import { eraseMessages } from './erasure.ts'
import { encodeProgress } from './relay-progress.ts'
import { progressSubject } from './stream-names.ts'
import { BEAT_MS, type StreamLease } from './stream-lease.ts'
import { recreated, streamEnd, type StreamEnd, type StreamSettings } from './stream-setup.ts'
import { StreamWriter } from './stream-writer.ts'

const FEWEST = 100
const MOST = 1_000
const LONGEST_STRETCH = 20_000
/** The most past events that an empty stream is filled with. Handlers that are further behind read from Postgres. */
const REFILLED = 100_000
/** How far back a session looks for the last event of each partition, in events. */
const LOOKED_BACK = 1_000_000
/** The first and the longest wait before another look, while a publisher has taken a number and not committed. */
const FIRST_LOOK_MS = 2
const LAST_LOOK_MS = 50

/** An open connection to JetStream. */
export interface OpenJetStream {
  readonly connection: NatsConnection
  readonly client: JetStreamClient
  readonly manager: JetStreamManager
}

export interface SessionParts extends Pick<EngineParts, 'relays' | 'pollMs'> {
  readonly settings: StreamSettings
  readonly lease: StreamLease
  /** Opens when there may be new events, or when the lease may be lost. */
  readonly news: Gate
  readonly over: AbortSignal
  /** Resolves when there is a connection. */
  connect(): Promise<OpenJetStream>
  onWorks(): void
}

interface Begun {
  readonly nats: OpenJetStream
  readonly writer: StreamWriter
  readonly created: string
  readonly life: string | null
}

export class RelaySession {
  readonly #parts: SessionParts
  readonly #isAgain: boolean
  #writer: StreamWriter | null = null
  readonly #size = new ReadSize({ fewest: FEWEST, most: MOST })
  #reportedAt = -Infinity
  #erasedAt = -Infinity
  /** Begins at a random number, so that it also changes when another worker becomes the relay. */
  #erased = Math.floor(Math.random() * 1e9)
  /** Whether the session has copied everything to the stream at least once. */
  hasWorked = false

  /** `isAgain`: whether the previous session failed. */
  constructor(parts: SessionParts, isAgain: boolean) {
    this.#parts = parts
    this.#isAgain = isAgain
  }

  /** Every event up to this number is in the stream. */
  get number(): number | null {
    return this.#writer?.number ?? null
  }

  async run(): Promise<void> {
    const begun = await this.#begin()
    if (begun === null) return
    const { writer, life } = begun
    const { relays, news, pollMs, onWorks } = this.#parts
    let look: LogLook = { ...NOTHING_KNOWN, final: writer.number, life }
    let lookAgainMs = FIRST_LOOK_MS
    while (this.#isGoingOn()) {
      look = await relays.look(look)
      if (look.life !== life) return
      const before = writer.number
      while (writer.number < look.final && this.#isGoingOn()) {
        const upTo = await this.#move(writer, look.final)
        look = await relays.look(look)
        if (look.life !== life) return // Postgres has crashed: a number without an event may be used again
        writer.passTo(upTo)
        this.#report(begun)
      }
      await this.#upkeep(begun)
      this.hasWorked = true
      onWorks()
      lookAgainMs = writer.number > before ? FIRST_LOOK_MS : Math.min(2 * lookAgainMs, LAST_LOOK_MS)
      await news.wait(look.taken <= look.final ? Math.min(BEAT_MS, pollMs) : lookAgainMs)
    }
  }

  #isGoingOn(): boolean {
    return this.#parts.lease.isOurs && !this.#parts.over.aborted
  }

  async #begin(): Promise<Begun | null> {
    const { relays, settings, connect } = this.#parts
    const { stream, partitions } = settings
    const nats = await connect()
    const { final, life } = await relays.look(NOTHING_KNOWN)
    if (!this.#isGoingOn()) return null // connecting can take minutes
    const end = await this.#end(nats, life)
    const from = end.number ?? Math.max(final - REFILLED, Math.min(final, (await relays.firstPosition()) ?? final))
    const after = Math.max(0, from - LOOKED_BACK)
    const found = await relays.lastIn(partitions, { after, upTo: from })
    const lastOf = Array.from({ length: partitions }, (_, partition) => found.get(partition) ?? after)
    const place = { sequence: end.sequence, number: from, lastOf }
    const writer = new StreamWriter({ ...nats, stream, partitions, isAgain: this.#isAgain }, place)
    this.#writer = writer
    return { nats, writer, created: end.created, life }
  }

  /** After a crash, Postgres may have lost events that are in the stream, and may use their numbers again. Then the stream is created again. */
  async #end({ manager }: OpenJetStream, life: string | null): Promise<StreamEnd> {
    const { settings, relays, lease } = this.#parts
    const known = await lease.known()
    const isOtherLife = life !== null && known.life !== null && known.life !== life
    const end = isOtherLife
      ? await recreated(manager, settings, known.id)
      : await streamEnd(manager, settings, known.id)
    if (life !== null && known.life !== life) await relays.noteLife(settings.stream, life)
    return end
  }

  /** Returns the number up to which the log was read. */
  async #move(writer: StreamWriter, final: number): Promise<number> {
    const { most } = this.#size
    const after = writer.number
    const upTo = Math.min(final, after + LONGEST_STRETCH)
    const events = await this.#parts.relays.read({ after, upTo, most, shards: null, types: null })
    await writer.write(events)
    this.#size.learn({ count: events.length, size: payloadSize(events) })
    return events.length < most ? upTo : writer.number
  }

  async #upkeep(begun: Begun): Promise<void> {
    const { relays, settings } = this.#parts
    if (performance.now() - this.#erasedAt >= BEAT_MS) {
      this.#erased += await eraseMessages(begun.nats.manager, settings.stream, relays)
      this.#erasedAt = performance.now()
    }
    if (performance.now() - this.#reportedAt >= BEAT_MS) this.#report(begun)
  }

  #report({ nats, writer: { number, last, lastOf }, created, life }: Begun): void {
    this.#reportedAt = performance.now()
    const news = { number, last, lastOf, erased: this.#erased, created, life }
    nats.connection.publish(progressSubject(this.#parts.settings.stream), encodeProgress(news))
  }
}
