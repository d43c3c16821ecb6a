/**
 * Reads the log from the stream, for all handlers of a worker. Shards at the same place are read together: each such place has a feed. What the
 * stream does not hold (any more) is read from Postgres, for example by a handler that was moved far back.
 */
import type { LogSource } from '../deliveries/log-engine.ts'
import type { LogEvent, LogLook, LogPiece, LogStore } from '../deliveries/log-reading.ts'
import { Feed } from './feed.ts'
import type { LogMessage } from './log-message.ts'
import type { News } from './news.ts'
import type { OpenJetStream } from './relay.ts'
import { partitionsOf } from './stream-names.ts'
import { sequenceAfter } from './stream-search.ts'
import { Hole } from './tap.ts'

/** The feeds that were not read for the longest time are closed. */
const MOST_FEEDS = 8

export interface SourceParts {
  readonly log: Pick<LogStore, 'read' | 'numbered' | 'shown'>
  readonly stream: string
  /** Resolves when there is a connection. */
  connect(): Promise<OpenJetStream>
  onFailed(error: unknown): void
  /** Called when the stream does not hold the events of a piece, or not all of them. */
  onMissing(piece: LogPiece): void
}

export class StreamSource implements LogSource {
  readonly #parts: SourceParts
  /** By the place where each goes on, and by its partitions. The one that was read last is the last. */
  readonly #feeds = new Map<string, Feed>()
  #told: News | null = null

  constructor(parts: SourceParts) {
    this.#parts = parts
  }

  /** The relay has told how far the stream is filled. */
  hear(told: News): void {
    if (this.#told !== null && this.#told.created !== told.created) void this.reset() // it is another stream now
    this.#told = told
  }

  look({ final }: LogLook): Promise<LogLook> {
    const { number = final, life = null } = this.#told ?? {}
    return Promise.resolve({ final: number, gap: null, heldBy: null, taken: number, life })
  }

  async read(piece: LogPiece): Promise<readonly LogEvent[]> {
    const told = this.#told
    if (told === null) return []
    const partitions = partitionsOf(piece.shards, told.last.length)
    const key = partitions?.join(' ') ?? 'all'
    const place = `${piece.after} ${key}`
    const feed = await this.#feedAt(place, piece.after, partitions).catch((error: unknown) => this.#failed(error))
    if (feed === null) return this.#readInPostgres(piece)
    this.#feeds.delete(place)
    try {
      const events: LogEvent[] = []
      let to: number | null = piece.after
      while (to !== null && events.length < piece.most) {
        const found = await messagesIn(feed, { ...piece, most: piece.most - events.length }, told)
        events.push(...(await this.#eventsOf(found.messages))) // fewer, if some are gone from Postgres
        to = found.to
      }
      this.#keep(`${to ?? piece.upTo} ${key}`, feed)
      return events
    } catch (error) {
      void feed.close()
      if (error instanceof Hole) return this.#readInPostgres(piece)
      return this.#failed(error)
    }
  }

  /** Closes all feeds. Reading goes on with new ones. */
  async reset(): Promise<void> {
    const feeds = [...this.#feeds.values()]
    this.#feeds.clear()
    await Promise.all(feeds.map((feed) => feed.close()))
  }

  #readInPostgres(piece: LogPiece): Promise<readonly LogEvent[]> {
    this.#parts.onMissing(piece)
    return this.#parts.log.read(piece)
  }

  #failed(error: unknown): never {
    this.#parts.onFailed(error)
    throw error
  }

  /** Returns `null` if the stream does not hold what comes after this place. */
  async #feedAt(place: string, after: number, partitions: readonly number[] | null): Promise<Feed | null> {
    const known = this.#feeds.get(place)
    if (known) return known
    const { manager } = await this.#parts.connect()
    const { stream } = this.#parts
    const from = await sequenceAfter(manager, stream, after)
    return from === null ? null : Feed.open({ manager, stream, partitions, from })
  }

  #keep(place: string, feed: Feed): void {
    void this.#feeds.get(place)?.close()
    this.#feeds.delete(place)
    this.#feeds.set(place, feed)
    for (const [oldest, one] of this.#feeds) {
      if (this.#feeds.size <= MOST_FEEDS) return
      this.#feeds.delete(oldest)
      void one.close()
    }
  }

  /** Takes from Postgres the events that did not fit in a message, or about which the clock of the database decides. */
  async #eventsOf(messages: readonly LogMessage[]): Promise<readonly LogEvent[]> {
    const { log } = this.#parts
    const numbers = messages.flatMap(({ isLookedUp, event }) => (isLookedUp ? [event.number] : []))
    if (numbers.length === 0) return messages.map(({ event }) => log.shown(event))
    const looked = new Map((await log.numbered(numbers)).map((event) => [event.number, event]))
    return messages.flatMap(({ isLookedUp, event }) => {
      const found = isLookedUp ? looked.get(event.number) : log.shown(event)
      return found ? [found] : []
    })
  }
}

interface MessagesRead {
  readonly messages: readonly LogMessage[]
  /** Everything up to this number was read. `null`: everything that was asked for. */
  readonly to: number | null
}

async function messagesIn(feed: Feed, { upTo, most, shards, types }: LogPiece, told: News): Promise<MessagesRead> {
  const wanted = shards && new Set(shards.wanted)
  const listed = types && new Set(types)
  const messages: LogMessage[] = []
  while (messages.length < most) {
    const message = await feed.next(upTo, told)
    if (message === null) return { messages, to: null }
    const { hash, type } = message.event
    const isOurs = (!wanted || wanted.has(hash % (shards?.of ?? 1))) && (!listed || listed.has(type))
    if (isOurs) messages.push(message)
  }
  return { messages, to: messages.at(-1)?.event.number ?? null }
}
