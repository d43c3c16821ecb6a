/** An operator in a world of lanes. An act that would have to wait for a lock counts as not tried. */
import { DatabaseError, type Client } from 'pg'
import { createBus, defineHandler, type Bus } from '../../src/index.ts'
import type { LanePromises } from './lane-promises.ts'
import { HANDLER, Turned, type Lanes } from './lanes.ts'

export const LOCK_TIMEOUT_MS = 5
const LOCK_NOT_AVAILABLE = '55P03'

export class LaneOperator {
  readonly #queue: string
  readonly #bus: Bus
  readonly #client: Client
  readonly #promises: LanePromises

  constructor({ shop, queue }: Lanes, client: Client, promises: LanePromises) {
    const url = new URL(shop.connectionString)
    url.searchParams.set('options', `-c lock_timeout=${LOCK_TIMEOUT_MS}`)
    const handlers = [defineHandler(HANDLER, { on: Turned, handle: () => undefined })]
    this.#bus = createBus({ connectionString: url.href, handlers, onSignal: () => undefined })
    this.#queue = queue.name
    this.#client = client
    this.#promises = promises
  }

  async retryDead(): Promise<void> {
    await unlessLocked(() => this.#bus.deadLetters.retry({ all: true }))
  }

  async dismissDead(): Promise<void> {
    const { deadLetters } = await this.#bus.deadLetters.list({ limit: 10_000 })
    const dismissed = await unlessLocked(() => this.#bus.deadLetters.dismiss({ all: true }))
    if (dismissed?.count === deadLetters.length)
      for (const { eventId } of deadLetters) this.#promises.gone(eventId ?? '')
    else if (dismissed) this.#promises.broken(`${dismissed.count} of ${deadLetters.length} dead letters were dismissed`)
  }

  /** Takes the head of a key's lane out, as an operator does. */
  async skipHead(key: string): Promise<void> {
    const statement = `select job.data ->> 'event' as event from postbus.skip_head($2, $1, 'skipped') head
      join pgboss.job job on job.name = $2 and job.id = head`
    const skipped = await unlessLocked(() =>
      this.#client.query<{ event: string }>(statement, [laneOf(key), this.#queue]),
    )
    for (const { event } of skipped?.rows ?? []) this.#promises.gone(event)
  }

  /** Pauses a key. Returns a function to call when the transaction commits, which notes the pause. */
  async pause(over: Client, key: string): Promise<() => void> {
    await over.query(`insert into postbus.pause (kind, name) values ('lane', $1) on conflict do nothing`, [laneOf(key)])
    return () => this.#promises.paused.add(key)
  }

  async resume(over: Client, key: string): Promise<() => void> {
    const { rows } = await over.query<{ was: boolean }>(`select postbus.resume('lane', $1) as was`, [laneOf(key)])
    return () => rows[0]?.was && this.#promises.paused.delete(key)
  }

  async resumeAll(): Promise<void> {
    await this.#client.query(
      `select postbus.resume(kind, name) from (select kind, name from postbus.pause offset 0) one`,
    )
    this.#promises.paused.clear()
  }

  close(): Promise<void> {
    return this.#bus.close()
  }
}

function laneOf(key: string): string {
  return `${HANDLER}:${key}`
}

/** Returns `undefined` if the work would have had to wait for a lock. */
export async function unlessLocked<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DatabaseError && error.code === LOCK_NOT_AVAILABLE) return undefined
    throw error
  }
}
