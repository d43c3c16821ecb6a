/**
 * Reads the log from the stream, for all handlers of a worker. Shards at the same position share a reader. Events that are not in the stream are read from Postgres, for example when a handler was moved far back.
 */
import { performance } from '../clock.ts'
import type { LogSource } from '../deliveries/log-engine.ts'
import type { LogEvent, LogLook, LogPiece, LogStore } from '../deliveries/log-reading.ts'
import { MergedReader } from './merged-reader.ts'
import type { LogMessage } from './log-message.ts'
import type { RelayProgress } from './relay-progress.ts'
import type { OpenJetStream } from './relay-session.ts'
import { partitionsOf } from './stream-names.ts'
import { sequenceAfter } from './stream-search.ts'
import { MissingEvents } from './partition-reader.ts'

/** If there are more readers, the least recently used one is closed. */
const MOST_READERS = 8
/** A reader that was not used for this long is closed. */
const UNUSED_MS = 60_000

export interface SourceParts {
  readonly log: Pick<LogStore, 'read' | 'numbered' | 'shown'>
  readonly stream: string
  /** Returns the present life of the Postgres server; `null`: unknown. */
  serverLife(): string | null
  /** Resolves when there is a connection. */
  connect(): Promise<OpenJetStream>
  onFailed(error: unknown): void
  onWorks(): void
  /** Called when the stream lacks events of a piece. */
  onMissing(piece: LogPiece): void
}

export class StreamSource implements LogSource {
  readonly #parts: SourceParts
  /** By position and partitions, the least recently used first. */
  readonly #readers = new Map<string, MergedReader>()
  #progress: RelayProgress | null = null
  #isClosed = false

  constructor(parts: SourceParts) {
    this.#parts = parts
  }

  /** Takes a report of the relay. */
  learn(progress: RelayProgress): void {
    const before = this.#progress
    this.#progress = progress
    // The stream was created again, or messages were erased that the readers may hold already.
    if (before && !isSame(before, progress)) void this.reset()
    this.#closeUnused()
  }

  /** After a crash of Postgres, reads nothing until the relay has created the stream again and reported it. */
  look(known: LogLook): Promise<LogLook> {
    const life = this.#parts.serverLife()
    const isOf = this.#progress !== null && life !== null && this.#progress.life === life
    const final = isOf ? (this.#progress?.number ?? 0) : 0
    return Promise.resolve({ final, gap: null, heldBy: null, taken: final, life: life ?? known.life })
  }

  async read(piece: LogPiece): Promise<readonly LogEvent[]> {
    const progress = this.#progress
    // The relay has created the stream again, and has not filled it this far yet.
    if (progress === null || piece.upTo > progress.number) return this.#readInPostgres(piece)
    const partitions = partitionsOf(piece.shards, progress.lastOf.length)
    const key = partitions?.join(' ') ?? 'all'
    try {
      const place = `${piece.after} ${key}`
      const reader = this.#readers.get(place)
      this.#readers.delete(place)
      // The server may have deleted the consumer, because it was not used for a minute. Then a new reader tries once more.
      const known = reader && (await this.#readFrom(reader, { piece, progress, key }).catch(unlessMissing))
      if (known) return known
      const opened = await this.#open(piece.after, partitions, progress)
      return opened === null
        ? await this.#readInPostgres(piece)
        : await this.#readFrom(opened, { piece, progress, key })
    } catch (error) {
      if (error instanceof MissingEvents) return this.#readInPostgres(piece)
      this.#parts.onFailed(error)
      throw error
    }
  }

  async #readFrom(reader: MergedReader, { piece, progress, key }: Reading): Promise<readonly LogEvent[]> {
    try {
      const events: LogEvent[] = []
      let to: number | null = piece.after
      while (to !== null && events.length < piece.most) {
        const found = await messagesIn(reader, { ...piece, most: piece.most - events.length }, progress)
        events.push(...(await this.#eventsOf(found.messages))) // fewer than the messages, if some events are deleted in Postgres
        to = found.to
      }
      reader.passTo(to ?? piece.upTo)
      this.#parts.onWorks()
      if (this.#progress && isSame(this.#progress, progress) && !this.#isClosed)
        this.#keep(`${to ?? piece.upTo} ${key}`, reader)
      else void reader.close()
      return events
    } catch (error) {
      void reader.close()
      throw error
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.reset()
  }

  /** Closes all readers. The next read opens new ones. */
  async reset(): Promise<void> {
    const readers = [...this.#readers.values()]
    this.#readers.clear()
    await Promise.all(readers.map((reader) => reader.close()))
  }

  #readInPostgres(piece: LogPiece): Promise<readonly LogEvent[]> {
    this.#parts.onMissing(piece)
    return this.#parts.log.read(piece)
  }

  /** Returns `null` if the stream begins later, or if it was deleted since the relay's report. */
  async #open(
    after: number,
    partitions: readonly number[] | null,
    { created }: RelayProgress,
  ): Promise<MergedReader | null> {
    const { manager } = await this.#parts.connect()
    const { stream } = this.#parts
    const from = await sequenceAfter(manager, stream, after)
    if (from === null) return null
    const reader = await MergedReader.open({ manager, stream, partitions, from, after })
    // Checked after the consumers are created. If the stream is deleted later, its consumers are deleted too.
    const info = await manager.streams.info(stream)
    if (info.created === created) return reader
    await reader.close()
    return null
  }

  /** The server has deleted their consumers. */
  #closeUnused(): void {
    for (const [place, reader] of this.#readers) {
      if (performance.now() - reader.usedAt < UNUSED_MS) continue
      this.#readers.delete(place)
      void reader.close()
    }
  }

  #keep(place: string, reader: MergedReader): void {
    void this.#readers.get(place)?.close()
    this.#readers.delete(place)
    this.#readers.set(place, reader)
    for (const [oldest, one] of this.#readers) {
      if (this.#readers.size <= MOST_READERS) return
      this.#readers.delete(oldest)
      void one.close()
    }
  }

  /** Reads from Postgres the events that are too large for a message, or whose handling depends on the database's clock. */
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

/** Whether both reports are about the same stream, with no erasure between them. */
function isSame(one: RelayProgress, other: RelayProgress): boolean {
  return one.created === other.created && one.erased === other.erased
}

interface Reading {
  readonly piece: LogPiece
  readonly progress: RelayProgress
  /** The partitions of the reader, as text. */
  readonly key: string
}

function unlessMissing(error: unknown): null {
  if (error instanceof MissingEvents) throw error
  return null
}

interface MessagesRead {
  readonly messages: readonly LogMessage[]
  /** Every event up to this number was read. `null`: every event that was asked for. */
  readonly to: number | null
}

async function messagesIn(
  reader: MergedReader,
  { upTo, most, shards, types }: LogPiece,
  progress: RelayProgress,
): Promise<MessagesRead> {
  const wanted = shards && new Set(shards.wanted)
  const listed = types && new Set(types)
  const messages: LogMessage[] = []
  while (messages.length < most) {
    const message = reader.shift(upTo)
    if (!message) {
      if (reader.isReady || !(await reader.merge(progress))) return { messages, to: null }
      continue
    }
    const { hash, type } = message.event
    const isOurs = (!wanted || wanted.has(hash % (shards?.of ?? 1))) && (!listed || listed.has(type))
    if (isOurs) messages.push(message)
  }
  return { messages, to: messages.at(-1)?.event.number ?? null }
}
