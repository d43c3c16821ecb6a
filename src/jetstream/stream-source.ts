/**
 * Reads the log from the stream, for all handlers of a worker. Shards at the same place are read together: each such place has a feed. What the
 * stream does not hold (any more) is read from Postgres, for example by a handler that was moved far back.
 */
import { performance } from '../clock.ts'
import type { LogSource } from '../deliveries/log-engine.ts'
import type { LogEvent, LogLook, LogPiece, LogStore } from '../deliveries/log-reading.ts'
import { Feed } from './feed.ts'
import type { LogMessage } from './log-message.ts'
import type { News } from './news.ts'
import type { OpenJetStream } from './relay-session.ts'
import { partitionsOf } from './stream-names.ts'
import { sequenceAfter } from './stream-search.ts'
import { Hole } from './tap.ts'

/** The feeds that were not read for the longest time are closed. */
const MOST_FEEDS = 8
/** A feed that was not read for so long is closed. */
const UNUSED_MS = 60_000

export interface SourceParts {
  readonly log: Pick<LogStore, 'read' | 'numbered' | 'shown'>
  readonly stream: string
  /** Returns the present life of the Postgres server. `null`: it is not known. */
  serverLife(): string | null
  /** Resolves when there is a connection. */
  connect(): Promise<OpenJetStream>
  onFailed(error: unknown): void
  onWorks(): void
  /** Called when the stream does not hold the events of a piece, or not all of them. */
  onMissing(piece: LogPiece): void
}

export class StreamSource implements LogSource {
  readonly #parts: SourceParts
  /** By the place where each goes on, and by its partitions. The one that was read last is the last. */
  readonly #feeds = new Map<string, Feed>()
  #told: News | null = null
  #isClosed = false

  constructor(parts: SourceParts) {
    this.#parts = parts
  }

  /** The relay has told how far the stream is filled. */
  hear(told: News): void {
    const before = this.#told
    this.#told = told
    // It is another stream now, or messages were erased that may be here already.
    if (before && !isSame(before, told)) void this.reset()
    this.#closeUnused()
  }

  /** After a crash of Postgres, nothing is read until the relay has told of the stream that it has made anew. */
  look(known: LogLook): Promise<LogLook> {
    const life = this.#parts.serverLife()
    const isOf = this.#told !== null && life !== null && this.#told.life === life
    const final = isOf ? (this.#told?.number ?? 0) : 0
    return Promise.resolve({ final, gap: null, heldBy: null, taken: final, life: life ?? known.life })
  }

  async read(piece: LogPiece): Promise<readonly LogEvent[]> {
    const told = this.#told
    // A stream that was made anew may not reach as far yet as the one before it.
    if (told === null || piece.upTo > told.number) return this.#readInPostgres(piece)
    const partitions = partitionsOf(piece.shards, told.lastOf.length)
    const key = partitions?.join(' ') ?? 'all'
    try {
      const place = `${piece.after} ${key}`
      const feed = this.#feeds.get(place)
      this.#feeds.delete(place)
      // The server forgets a consumer that nothing has read for a minute: the second try has a new one.
      const known = feed && (await this.#readFrom(feed, { piece, told, key }).catch(unlessHole))
      if (known) return known
      const opened = await this.#open(piece.after, partitions, told)
      return opened === null ? await this.#readInPostgres(piece) : await this.#readFrom(opened, { piece, told, key })
    } catch (error) {
      if (error instanceof Hole) return this.#readInPostgres(piece)
      this.#parts.onFailed(error)
      throw error
    }
  }

  async #readFrom(feed: Feed, { piece, told, key }: Reading): Promise<readonly LogEvent[]> {
    try {
      const events: LogEvent[] = []
      let to: number | null = piece.after
      while (to !== null && events.length < piece.most) {
        const found = await messagesIn(feed, { ...piece, most: piece.most - events.length }, told)
        events.push(...(await this.#eventsOf(found.messages))) // fewer, if some are gone from Postgres
        to = found.to
      }
      feed.passTo(to ?? piece.upTo)
      this.#parts.onWorks()
      if (this.#told && isSame(this.#told, told) && !this.#isClosed) this.#keep(`${to ?? piece.upTo} ${key}`, feed)
      else void feed.close()
      return events
    } catch (error) {
      void feed.close()
      throw error
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.reset()
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

  /** Returns `null` if the stream does not hold what comes after this place, or it is not the stream that the relay has told of. */
  async #open(after: number, partitions: readonly number[] | null, { created }: News): Promise<Feed | null> {
    const { manager } = await this.#parts.connect()
    const { stream } = this.#parts
    const from = await sequenceAfter(manager, stream, after)
    if (from === null) return null
    const feed = await Feed.open({ manager, stream, partitions, from, after })
    // Asked last: the consumers end with the stream in which they were made.
    const info = await manager.streams.info(stream)
    if (info.created === created) return feed
    await feed.close()
    return null
  }

  /** The server has forgotten their consumers. */
  #closeUnused(): void {
    for (const [place, feed] of this.#feeds) {
      if (performance.now() - feed.usedAt < UNUSED_MS) continue
      this.#feeds.delete(place)
      void feed.close()
    }
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

/** Whether what was read from one is still what the other would hold. */
function isSame(one: News, other: News): boolean {
  return one.created === other.created && one.erased === other.erased
}

interface Reading {
  readonly piece: LogPiece
  readonly told: News
  /** The partitions of the feed. */
  readonly key: string
}

function unlessHole(error: unknown): null {
  if (error instanceof Hole) throw error
  return null
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
    const message = feed.shift(upTo)
    if (!message) {
      if (feed.isReady || !(await feed.merge(told))) return { messages, to: null }
      continue
    }
    const { hash, type } = message.event
    const isOurs = (!wanted || wanted.has(hash % (shards?.of ?? 1))) && (!listed || listed.has(type))
    if (isOurs) messages.push(message)
  }
  return { messages, to: messages.at(-1)?.event.number ?? null }
}
