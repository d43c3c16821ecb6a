/**
 * A small world around the lanes of a real database: publishers with open transactions, workers with claims, and one
 * transaction of a worker that may be held open while everything else goes on. It remembers what was promised, and every
 * step is checked against that. Nothing here waits for time or for a lock: what would have to wait is as if not tried.
 */
import { DatabaseError, type Client } from 'pg'
import type { ClaimedDelivery, Settlement } from '../../src/deliveries/delivery.ts'
import { createBus, defineHandler, type Bus } from '../../src/index.ts'
import { HANDLER, openLanes, Turned, type Lanes } from './lanes.ts'
import { LanePromises } from './lane-promises.ts'
import { LanePublisher } from './lane-publisher.ts'
import { emptyTables } from './stored.ts'

const PUBLISHERS = 3
const LOCK_TIMEOUT_MS = 5
const LOCK_NOT_AVAILABLE = '55P03'
const MAX_ROUNDS = 300

/** What a worker wants written about an attempt. */
export type Ending = 'done' | 'retry' | 'retry in an hour' | 'later' | 'continue' | 'block'

export class LaneWorld {
  readonly promises = new LanePromises()
  readonly publishers: readonly LanePublisher[]
  readonly #lanes: Lanes
  readonly #operator: Bus
  readonly #worker: Client
  readonly #holder: Client
  /** Claimed, running, and to be settled. */
  running: ClaimedDelivery[] = []
  /** Their claims were lost, but nobody has told them. */
  zombies: ClaimedDelivery[] = []
  /** Those of them whose deliveries run again, or ran. */
  readonly #claimedAgain = new Set<ClaimedDelivery>()
  /** What becomes true when the transaction that is held open commits. */
  #held: (() => void) | null = null

  private constructor(lanes: Lanes, clients: readonly Client[], operator: Bus) {
    const [worker, holder, ...publishers] = clients as [Client, Client, ...Client[]]
    this.#lanes = lanes
    this.#worker = worker
    this.#holder = holder
    this.#operator = operator
    this.publishers = publishers.map((client) => new LanePublisher(lanes, client, this.promises))
  }

  static async open(): Promise<LaneWorld> {
    const lanes = await openLanes()
    const url = new URL(lanes.shop.connectionString)
    url.searchParams.set('options', `-c lock_timeout=${LOCK_TIMEOUT_MS}`)
    const handlers = [defineHandler(HANDLER, { on: Turned, handle: () => undefined })]
    const operator = createBus({ connectionString: url.href, handlers, onSignal: () => undefined })
    const clients = await Promise.all(Array.from({ length: PUBLISHERS + 2 }, () => lanes.connect()))
    for (const client of clients) await client.query(`set lock_timeout = ${LOCK_TIMEOUT_MS}`)
    await lanes.database.query('create table entity (key text primary key, turns integer not null default 0)')
    return new LaneWorld(lanes, clients, operator)
  }

  get lanes(): Lanes {
    return this.#lanes
  }

  get isHolding(): boolean {
    return this.#held !== null
  }

  /** As new, for the next run. */
  async reset(keys: readonly string[]): Promise<void> {
    await this.#holder.query('rollback')
    for (const publisher of this.publishers) await publisher.abandon()
    this.promises.forget()
    this.running = []
    this.zombies = []
    this.#held = null
    await emptyTables(this.#lanes.database)
    await this.#lanes.database.query('truncate entity')
    await this.#lanes.database.query('insert into entity (key) select unnest($1::text[])', [[...keys]])
  }

  /** Claims, up to the handler's `free` slots; with `holds`, in a transaction that stays open. */
  claim(limit: number, holds: boolean, free?: number): Promise<void> {
    return this.#inTransaction(holds, async (over) => {
      const { deliveries } = await this.#lanes.claim(over, limit, free)
      if (deliveries.length > (free ?? limit))
        this.promises.broken(`${deliveries.length} claimed, ${free} slots were free`)
      return () => deliveries.forEach((delivery) => this.#start(delivery))
    })
  }

  settle(delivery: ClaimedDelivery, how: { ending: Ending; takeNext: boolean; holds: boolean }): Promise<void> {
    return this.#inTransaction(how.holds, async (over) => {
      const settlement: Settlement = { ...settlementOf(delivery, how.ending), takeNext: how.takeNext }
      const { ours, next } = await this.#lanes.settle(over, [settlement])
      return () => {
        if (!ours.has(delivery.id)) this.promises.broken(`${delivery.id} was no longer claimed, though it ran`)
        this.running = this.running.filter((one) => one !== delivery)
        this.promises.ended(delivery, how.ending)
        for (const following of next.values()) this.#start(following)
      }
    })
  }

  /** The worker of a delivery is not heard of any more. */
  async loseClaim(delivery: ClaimedDelivery): Promise<void> {
    const count = (await this.#tried(() => this.#lanes.recover(this.#worker, [delivery.id]))) ?? 0
    if (count > 0) this.#becomesZombie(delivery)
  }

  /** One whose claim was lost settles after all: that counts until its delivery is claimed again. */
  async settleAsZombie(zombie: ClaimedDelivery): Promise<void> {
    const settled = await this.#tried(() =>
      this.#lanes.settle(this.#worker, [{ delivery: zombie, is: 'done', takeNext: true }]),
    )
    if (!settled || settled.ours.size + settled.next.size === 0) return
    if (this.#claimedAgain.has(zombie)) return this.promises.broken(`${zombie.id} was settled with a lost claim`)
    this.zombies = this.zombies.filter((one) => one !== zombie)
    this.promises.ended(zombie, 'done')
    for (const following of settled.next.values()) this.#start(following)
  }

  async retryDead(): Promise<void> {
    await this.#tried(() => this.#operator.deadLetters.retry({ all: true }))
  }

  async dismissDead(): Promise<void> {
    const { deadLetters } = await this.#operator.deadLetters.list({ limit: 10_000 })
    const dismissed = await this.#tried(() => this.#operator.deadLetters.dismiss({ all: true }))
    if (dismissed?.count === deadLetters.length)
      for (const { eventId } of deadLetters) this.promises.gone(eventId ?? '')
    else if (dismissed) this.promises.broken(`${dismissed.count} of ${deadLetters.length} dead letters were dismissed`)
  }

  /** An operator takes the head of a key's lane out. */
  async skipHead(key: string): Promise<void> {
    const statement = `select job.data ->> 'event' as event from postbus.skip_head($2, $1, 'skipped') head
      join pgboss.job job on job.name = $2 and job.id = head`
    const skipped = await this.#tried(() =>
      this.#worker.query<{ event: string }>(statement, [`${HANDLER}:${key}`, this.#lanes.queue.name]),
    )
    for (const { event } of skipped?.rows ?? []) this.promises.gone(event)
  }

  /** Someone deletes a delivery. Its lane may stand still until a sweep. */
  async deleteByHand(place: number): Promise<void> {
    const live = await this.#lanes.live()
    const victim = live[place % Math.max(1, live.length)]
    if (!victim) return
    const deleted = await this.#tried(() => this.#worker.query('delete from pgboss.job where id = $1', [victim.id]))
    if (deleted?.rowCount !== 1) return
    this.promises.gone(victim.eventId)
    this.promises.isDisturbed = true
    const ran = this.running.find(({ id }) => id === victim.id)
    if (ran) this.#becomesZombie(ran)
  }

  async sweep(): Promise<void> {
    const swept = await this.#tried(() => this.#lanes.sweep(this.#worker))
    if (swept !== undefined && !this.isHolding) this.promises.isDisturbed = false
  }

  /** Deletes what everyone is done with, at once. No promise may know the difference. */
  prune(holds: boolean): Promise<void> {
    return this.#inTransaction(holds, async (over) => {
      await over.query(`select from postbus.prune('0', 5, '0', '0')`)
      return () => undefined
    })
  }

  /** Time passes: what waits for its time is due. */
  async tick(): Promise<void> {
    const due = `update pgboss.job set start_after = now() where state < 'active' and isfinite(start_after)`
    await this.#tried(() => this.#worker.query(due))
  }

  /** Ends the transaction that is held open. */
  async letGo(how: 'commit' | 'rollback'): Promise<void> {
    const effect = this.#held
    this.#held = null
    await this.#holder.query(how)
    if (how === 'commit') effect?.()
  }

  /** What must be true at every moment. */
  async check(): Promise<void> {
    const active = await this.promises.look(this.#lanes)
    const claimed = this.running.map(({ id }) => id).toSorted()
    if (this.isHolding || active.join() === claimed.join()) return this.promises.mustHold()
    this.promises.broken(`active are [${active.join()}], claimed are [${claimed.join()}]`)
    this.promises.mustHold()
  }

  /** Ends everything that is open, and works until nothing is left. */
  async finish(): Promise<void> {
    await this.letGo('commit')
    for (const publisher of this.publishers) await publisher.end('commit')
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      await this.tick()
      await this.dismissDead()
      if (this.promises.isDisturbed) await this.sweep()
      await this.claim(10, false)
      const ended = this.running.length
      for (const delivery of this.running)
        await this.settle(delivery, { ending: 'done', takeNext: false, holds: false })
      if (ended === 0) break
    }
    await this.check()
    this.promises.mustBeFinished(await this.#lanes.live())
  }

  async close(): Promise<void> {
    await this.#operator.close()
    await this.#lanes.close()
  }

  #start(delivery: ClaimedDelivery): void {
    const busy = this.running.find(({ event }) => event?.partitionKey === delivery.event?.partitionKey)
    this.promises.started(delivery, busy)
    this.running.push(delivery)
    for (const zombie of this.zombies) if (zombie.id === delivery.id) this.#claimedAgain.add(zombie)
  }

  #becomesZombie(delivery: ClaimedDelivery): void {
    this.running = this.running.filter((one) => one !== delivery)
    this.zombies.push(delivery)
  }

  async #inTransaction(holds: boolean, work: (over: Client) => Promise<() => void>): Promise<void> {
    if (!holds || this.isHolding) {
      const effect = await this.#tried(() => work(this.#worker))
      return effect?.()
    }
    await this.#holder.query('begin')
    this.#held = (await this.#tried(() => work(this.#holder))) ?? null
    if (this.#held === null) await this.#holder.query('rollback')
  }

  /** `undefined`: it would have had to wait for a lock. */
  async #tried<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof DatabaseError && error.code === LOCK_NOT_AVAILABLE) return undefined
      throw error
    }
  }
}

function settlementOf(delivery: ClaimedDelivery, ending: Ending): Settlement {
  const error = { attempt: 1, at: '', code: null, message: 'failed', stack: null }
  if (ending === 'done') return { delivery, is: 'done' }
  if (ending === 'later') return { delivery, is: 'later', delayMs: 0 }
  if (ending === 'retry') return { delivery, is: 'retry', delayMs: 0, error }
  if (ending === 'retry in an hour') return { delivery, is: 'retry', delayMs: 3_600_000, error }
  return { delivery, is: 'dead', reason: 'failed', error, onDead: ending }
}
