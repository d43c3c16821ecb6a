/**
 * Hears broadcasts for the listeners of a bus, on one connection.
 *
 *   nothing ──first listen──► connecting ──LISTEN active──► hearing ──lost──► waiting ──LISTEN active──► hearing, and a gap
 *      ▲                         └─ cannot be made: that listen is refused ─┐                              │
 *      └───────────────────────────────────────────────────────────────────┴─── the last listener stopped ─┘
 */
import type { BroadcastListeners } from '../../../broadcast/broadcast-listeners.ts'
import { sleep } from '../../../clock.ts'
import { safeTextOfError } from '../../../error-text.ts'
import { PostbusError } from '../../../errors.ts'
import type { LazyRegistry } from '../../../handlers/lazy-registry.ts'
import { PLAIN_NAMES } from '../../../handlers/stored-names.ts'
import type { Emit } from '../../../signals.ts'
import { explainConnectionError } from '../../../transactions/connection-error.ts'
import type { Connection } from '../connection.ts'
import { listenUntilLost, UNAVAILABLE, type Listening } from '../connections/listen-until-lost.ts'
import { eventAs } from '../deliveries/names.ts'
import type { Tables } from '../schema/tables.ts'
import { Inbox } from './inbox.ts'
import { eventIn } from './message.ts'

const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 30_000

export interface HearingParts {
  readonly connection: Pick<Connection, 'pool'>
  /** Where to LISTEN. `null`: nowhere. */
  readonly listening: Listening | null
  readonly tables: Tables
  readonly registry: LazyRegistry
  readonly emit: Emit
  readonly listeners: BroadcastListeners
}

export class Hearing {
  readonly #parts: HearingParts
  #run: Run | null = null
  #users = 0
  #isClosed = false

  constructor(parts: HearingParts) {
    this.#parts = parts
  }

  /** Resolves when every later broadcast will be heard. The result is a function that stops hearing. */
  async begin(): Promise<() => Promise<void>> {
    if (this.#isClosed) throw new PostbusError('POSTBUS_CLOSED', 'This bus was closed. Listen before bus.close().')
    if (this.#parts.listening === null) throw cannotListen('`listen: false` is set')
    this.#users += 1
    this.#run ??= new Run(this.#parts, this.#parts.listening)
    const run = this.#run
    try {
      await run.hears()
    } catch (error) {
      if (this.#run === run) this.#run = null
      this.#users -= 1
      throw error
    }
    let isGivenUp = false
    return async () => {
      if (isGivenUp) return
      isGivenUp = true
      this.#users -= 1
      if (this.#users === 0) await this.#end()
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#end()
  }

  async #end(): Promise<void> {
    const run = this.#run
    this.#run = null
    await run?.end()
  }
}

/** One run of hearing: from the first listener to the last one. */
class Run {
  readonly #parts: HearingParts
  readonly #over = new AbortController()
  readonly #inbox: Inbox
  readonly #running: Promise<void>
  /** Resolved while LISTEN is active. Rejected when LISTEN cannot be made, or when the run has ended. */
  #stands = Promise.withResolvers<void>()
  #isHearing = false
  #aliveAt: Date | null = null

  constructor(parts: HearingParts, listening: Listening) {
    this.#parts = parts
    this.#inbox = new Inbox({
      read: (numbers) => this.#read(numbers),
      eventIn: (message) => this.#eventIn(message),
      hear: (event) => parts.listeners.hear(event),
      missed: (missed, problem) => {
        if (missed.reason === 'unreadable')
          parts.emit('warn', 'broadcast.unreadable', `Listeners were told: ${problem}.`)
        parts.listeners.missed(missed)
      },
    })
    this.#stands.promise.catch(() => undefined) // each call of hears() handles the rejection itself
    this.#running = this.#hear(listening)
  }

  hears(): Promise<void> {
    return this.#stands.promise
  }

  async end(): Promise<void> {
    this.#over.abort()
    this.#inbox.clear()
    this.#stands.reject(new PostbusError('POSTBUS_CLOSED', 'Listening was ended.'))
    await this.#running
  }

  async #hear(listening: Listening): Promise<void> {
    const { emit, tables } = this.#parts
    const over = this.#over.signal
    const to = {
      channel: tables.broadcastChannel,
      onListening: () => this.#listens(),
      onPayload: (payload: string) => this.#heard(payload),
      onAlive: () => void (this.#aliveAt = new Date()),
    }
    for (let failures = 0; ; failures += 1) {
      const lost: unknown = await listenUntilLost(listening, to, over).catch((error: unknown) => error)
      if (over.aborted) return
      if (this.#aliveAt === null) return this.#stands.reject(refusal(lost))
      if (this.#isHearing) {
        failures = 0
        this.#isHearing = false
        this.#stands = Promise.withResolvers()
        this.#stands.promise.catch(() => undefined)
        emit('warn', 'broadcast.lost', 'LISTEN was lost; broadcasts are not heard.', { error: textOf(lost) })
      }
      await sleep(Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS), over)
      if (over.aborted) return
    }
  }

  #listens(): void {
    const since = this.#aliveAt
    this.#aliveAt = new Date()
    this.#isHearing = true
    if (since) {
      this.#parts.emit('info', 'broadcast.restored', 'LISTEN is back; something may have been missed.', { since })
      this.#inbox.gap(since)
    }
    this.#stands.resolve()
  }

  #heard(payload: string): void {
    if (this.#isHearing) this.#aliveAt = new Date() // before that, the gap is not reported yet, and begins at the old time
    this.#inbox.message(payload)
  }

  async #read(numbers: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { connection, tables } = this.#parts
    const database = await connection.pool()
    const { rows } = await database.query<{ id: string; message: string }>(
      `select id::text, message from ${tables.broadcast} where id = any($1::bigint[])`,
      [numbers],
    )
    return new Map(rows.map(({ id, message }) => [id, message]))
  }

  /** Anyone can send a message, so a bad one must not end this process. */
  #eventIn(message: string) {
    const event = eventIn(message)
    try {
      return event && eventAs(this.#parts.registry.loaded()?.names ?? PLAIN_NAMES, event)
    } catch {
      return null
    }
  }
}

function refusal(lost: unknown): PostbusError {
  if (lost === UNAVAILABLE) return cannotListen('the connection goes through a pooler')
  const explained = explainConnectionError(lost)
  if (explained instanceof PostbusError) return explained
  const message = `bus.listen(): no connection could be made that hears: ${textOf(lost)}. Check that the server is up, and listen again.`
  return new PostbusError('POSTBUS_DATABASE_UNREACHABLE', message, { cause: lost })
}

function cannotListen(why: string): PostbusError {
  return new PostbusError(
    'POSTBUS_CANNOT_LISTEN',
    `bus.listen(): ${why}, and broadcasts are heard over LISTEN, which needs a session of its own. Give createBus() a way to the ` +
      'server itself: `listen: { connectionString }`. To broadcast, a pooler will do.',
  )
}

function textOf(lost: unknown): string {
  return lost === UNAVAILABLE ? 'another session answers: there is a pooler in between' : safeTextOfError(lost)
}
