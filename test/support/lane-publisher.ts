/** A publisher that counts a key's turns under the key's row lock, in a transaction with savepoints that may stay open long. */
import type { Client } from 'pg'
import type { LanePromises } from './lane-promises.ts'
import type { Lanes } from './lanes.ts'
import type { PublishedTurn } from './order-checks.ts'

export class LanePublisher {
  readonly #lanes: Lanes
  readonly #tx: Client
  readonly #promises: LanePromises
  #pending: PublishedTurn[] = []
  /** For each savepoint, how much was published before it. */
  #savepoints: number[] = []
  isOpen = false

  constructor(lanes: Lanes, tx: Client, promises: LanePromises) {
    this.#lanes = lanes
    this.#tx = tx
    this.#promises = promises
  }

  get hasSavepoint(): boolean {
    return this.#savepoints.length > 0
  }

  async begin(): Promise<void> {
    await this.#tx.query('begin')
    await this.#tx.query('select now()')
    this.isOpen = true
  }

  /** Publishes some events of a key; nothing, if another publisher holds the lock. */
  async publish(key: string, count: number, locks: boolean): Promise<void> {
    if (locks && !(await this.#hasLock(key))) return
    for (let published = 0; published < count; published += 1) {
      const turn = locks ? await this.#nextTurn(key) : null
      this.#pending.push({ eventId: await this.#lanes.publish(key, this.#tx, turn), key, turn })
    }
  }

  async savepoint(): Promise<void> {
    await this.#tx.query(`savepoint part_${this.#savepoints.length}`)
    this.#savepoints.push(this.#pending.length)
  }

  async rollbackToSavepoint(): Promise<void> {
    const before = this.#savepoints.pop()
    await this.#tx.query(`rollback to savepoint part_${this.#savepoints.length}`)
    this.#pending.length = before ?? 0
  }

  async end(how: 'commit' | 'rollback'): Promise<void> {
    if (!this.isOpen) return
    await this.#tx.query(how)
    if (how === 'commit') this.#promises.committed(this.#pending)
    this.#pending = []
    this.#savepoints = []
    this.isOpen = false
  }

  /** Rolls back the transaction if one is open. */
  async abandon(): Promise<void> {
    this.isOpen = true
    await this.end('rollback')
  }

  async #hasLock(key: string): Promise<boolean> {
    await this.#tx.query('savepoint before_lock')
    try {
      await this.#tx.query('select from entity where key = $1 for update nowait', [key])
      return true
    } catch {
      await this.#tx.query('rollback to savepoint before_lock')
      return false
    }
  }

  async #nextTurn(key: string): Promise<number> {
    const statement = 'update entity set turns = turns + 1 where key = $1 returning turns'
    const { rows } = await this.#tx.query<{ turns: number }>(statement, [key])
    return rows[0]?.turns ?? 0
  }
}
