/**
 * A small world around the lanes of a real database: publishers with open transactions, workers with claims, and one
 * transaction of a worker that may be held open while everything else goes on. It remembers what was promised, and every
 * step is checked against that. Nothing here waits for time or for a lock: a step that would have to wait counts as not tried.
 */
import type { Client } from 'pg'
import type { ClaimedDelivery } from '../../src/deliveries/delivery.ts'
import { settlementOf, type Ending } from './lane-endings.ts'
import { Hand } from './lane-hands.ts'
import { LaneOperator, LOCK_TIMEOUT_MS, unlessLocked } from './lane-operator.ts'
import { openLanes, type Lanes } from './lanes.ts'
import { LanePromises } from './lane-promises.ts'
import { LanePublisher } from './lane-publisher.ts'
import { emptyTables } from './stored.ts'

const PUBLISHERS = 3
const MAX_ROUNDS = 300
/** How many deliveries come along with each claimed one. */
const BEHIND = 3

export class LaneWorld {
  readonly promises = new LanePromises()
  readonly publishers: readonly LanePublisher[]
  readonly #lanes: Lanes
  readonly operator: LaneOperator
  readonly #worker: Client
  readonly #holder: Client
  /** Hands whose deliveries are claimed, run, and will be settled. */
  hands: Hand[] = []
  /** Hands whose claims were lost, but that do not know it. */
  zombies: Hand[] = []
  /** The zombies whose deliveries run again, or have run again. */
  readonly #claimedAgain = new Set<Hand>()
  /** Called when the transaction that is held open commits: notes what is true from then on. */
  #held: (() => void) | null = null

  private constructor(lanes: Lanes, clients: readonly Client[]) {
    const [worker, holder, ...publishers] = clients as [Client, Client, ...Client[]]
    this.#lanes = lanes
    this.#worker = worker
    this.#holder = holder
    this.operator = new LaneOperator(lanes, worker, this.promises)
    this.publishers = publishers.map((client) => new LanePublisher(lanes, client, this.promises))
  }

  static async open(): Promise<LaneWorld> {
    const lanes = await openLanes()
    const clients = await Promise.all(Array.from({ length: PUBLISHERS + 2 }, () => lanes.connect()))
    for (const client of clients) await client.query(`set lock_timeout = ${LOCK_TIMEOUT_MS}`)
    await lanes.database.query('create table entity (key text primary key, turns integer not null default 0)')
    return new LaneWorld(lanes, clients)
  }

  get lanes(): Lanes {
    return this.#lanes
  }

  get isHolding(): boolean {
    return this.#held !== null
  }

  /** Resets the world for the next life. */
  async reset(keys: readonly string[]): Promise<void> {
    await this.#holder.query('rollback')
    for (const publisher of this.publishers) await publisher.abandon()
    this.promises.forget()
    this.hands = []
    this.zombies = []
    this.#held = null
    await emptyTables(this.#lanes.database)
    await this.#lanes.database.query('truncate entity')
    await this.#lanes.database.query('insert into entity (key) select unnest($1::text[])', [[...keys]])
  }

  /** Claims, up to the handler's `free` slots; with `holds`, in a transaction that stays open. */
  claim(limit: number, holds: boolean, free?: number): Promise<void> {
    return this.inTransaction(holds, async (over) => {
      const deliveries = this.promises.mayBegin((await this.#lanes.claim(over, limit, free, BEHIND)).deliveries)
      if (deliveries.length > (free ?? limit))
        this.promises.broken(`${deliveries.length} claimed, ${free} slots were free`)
      return () => deliveries.forEach((delivery) => this.#start(delivery))
    })
  }

  settle(hand: Hand, how: { ending: Ending; takeNext: boolean; holds: boolean }): Promise<void> {
    const { running } = hand
    const ran = [...hand.ran]
    hand.isEnding = how.holds
    return this.inTransaction(how.holds, async (over) => {
      const settlement = hand.ending({ ...settlementOf(running, how.ending), takeNext: how.takeNext })
      const { ours, next } = await this.#lanes.settle(over, [settlement])
      const mayFollow = this.promises.mayBegin([...next.values()])
      return () => {
        if (!ours.has(running.id)) this.promises.broken(`${running.id} was no longer claimed, though it ran`)
        this.hands = this.hands.filter((one) => one !== hand)
        for (const one of ran) this.promises.ended(one, 'done')
        this.promises.ended(running, how.ending)
        for (const following of mayFollow) this.#start(following)
      }
    })
  }

  /** The running delivery has ended well, and the next of its lane begins, while the database knows of neither. */
  goOn(hand: Hand): void {
    const ended = hand.running
    const next = hand.goOn()
    this.promises.ranUnsettled(ended)
    this.promises.started(next, undefined)
  }

  /** The claim of a hand moves on to its running delivery. The reply may be lost, and then the settle is sent again. */
  moveOn(hand: Hand, { isSentTwice, holds }: { isSentTwice: boolean; holds: boolean }): Promise<void> {
    const settlement = hand.moving()
    const past = [...hand.ran]
    return this.inTransaction(holds, async (over) => {
      const first = await this.#lanes.settle(over, [settlement])
      const { ours, behind, cut } = isSentTwice ? await this.#lanes.settle(over, [settlement]) : first
      return () => {
        const { id } = settlement.delivery
        if (!ours.has(id)) this.promises.broken(`${id} was no longer claimed, though it ran`)
        for (const one of past) this.promises.ended(one, 'done')
        hand.moved(past.length, behind.get(id) ?? [], cut.has(id))
      }
    })
  }

  /** The worker of a hand has gone silent, and its claim is taken over. */
  async loseClaim(hand: Hand): Promise<void> {
    const count = (await unlessLocked(() => this.#lanes.recover(this.#worker, [hand.active.id]))) ?? 0
    if (count > 0) this.#becomesZombie(hand)
  }

  /** A hand whose claim was lost settles nevertheless. That counts until its delivery is claimed again. */
  async settleAsZombie(zombie: Hand, moves: boolean): Promise<void> {
    const isMove = moves && zombie.ran.length > 0
    const settlement = isMove
      ? zombie.moving()
      : zombie.ending({ delivery: zombie.running, is: 'done', takeNext: true })
    const settled = await unlessLocked(() => this.#lanes.settle(this.#worker, [settlement]))
    if (!settled || settled.ours.size + settled.next.size === 0) return
    if (this.#claimedAgain.has(zombie)) {
      return this.promises.broken(`${zombie.running.id} was settled with a lost claim`)
    }
    this.zombies = this.zombies.filter((one) => one !== zombie)
    for (const one of isMove ? zombie.ran : zombie.begun) this.promises.ended(one, 'done')
    if (isMove) {
      const { id } = settlement.delivery
      zombie.moved(zombie.ran.length, settled.behind.get(id) ?? [], settled.cut.has(id))
      this.hands.push(zombie)
    }
    for (const following of settled.next.values()) this.#start(following)
  }

  /** Deletes a delivery by hand. Its lane may stop until a sweep. */
  async deleteByHand(place: number): Promise<void> {
    const live = await this.#lanes.live()
    const victim = live[place % Math.max(1, live.length)]
    if (!victim || this.hands.some((hand) => hand.begun.slice(1).some(({ id }) => id === victim.id))) return // else a settle of its run would end nothing
    const deleted = await unlessLocked(() => this.#worker.query('delete from pgboss.job where id = $1', [victim.id]))
    if (deleted?.rowCount !== 1) return
    this.promises.gone(victim.eventId)
    this.promises.isDisturbed = true
    for (const hand of this.hands) hand.ahead = hand.ahead.filter(({ id }) => id !== victim.id)
    const active = this.hands.find((hand) => hand.active.id === victim.id)
    if (active) this.#becomesZombie(active)
  }

  async sweep(): Promise<void> {
    const swept = await unlessLocked(() => this.#lanes.sweep(this.#worker))
    if (swept !== undefined && !this.isHolding) this.promises.isDisturbed = false
  }

  /** Deletes finished events at once. That must not change any promise. */
  prune(holds: boolean): Promise<void> {
    return this.inTransaction(holds, async (over) => {
      await over.query(`select from postbus.prune('0', 5, '0', '0')`)
      return () => undefined
    })
  }

  /** Time passes: deliveries that wait for their time become due. */
  async tick(): Promise<void> {
    const due = `update pgboss.job set start_after = now() where state < 'active' and isfinite(start_after)`
    await unlessLocked(() => this.#worker.query(due))
  }

  /** Ends the transaction that is held open. */
  async letGo(how: 'commit' | 'rollback'): Promise<void> {
    const effect = this.#held
    this.#held = null
    await this.#holder.query(how)
    if (how === 'commit') effect?.()
    for (const hand of this.hands) hand.isEnding = false
  }

  /** Checks what must be true at every moment. */
  async check(): Promise<void> {
    const active = await this.promises.look(this.#lanes)
    const claimed = this.hands.map((hand) => hand.active.id).toSorted()
    if (this.isHolding || active.join() === claimed.join()) return this.promises.mustHold()
    this.promises.broken(`active are [${active.join()}], claimed are [${claimed.join()}]`)
    this.promises.mustHold()
  }

  /** Ends everything that is open, and works until nothing is left. */
  async finish(): Promise<void> {
    await this.letGo('commit')
    await this.operator.resumeAll()
    for (const publisher of this.publishers) await publisher.end('commit')
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      await this.tick()
      await this.operator.dismissDead()
      if (this.promises.isDisturbed) await this.sweep()
      await this.claim(10, false)
      const ended = this.hands.length
      for (const hand of this.hands) await this.settle(hand, { ending: 'done', takeNext: false, holds: false })
      if (ended === 0) break
    }
    await this.check()
    this.promises.mustBeFinished(await this.#lanes.live())
  }

  async close(): Promise<void> {
    await this.operator.close()
    await this.#lanes.close()
  }

  #start(delivery: ClaimedDelivery): void {
    const busy = this.hands.find(({ running }) => running.event?.partitionKey === delivery.event?.partitionKey)
    this.promises.started(delivery, busy?.running)
    this.hands.push(new Hand(delivery))
    for (const zombie of this.zombies) if (zombie.active.id === delivery.id) this.#claimedAgain.add(zombie)
  }

  #becomesZombie(hand: Hand): void {
    this.hands = this.hands.filter((one) => one !== hand)
    this.promises.lost(hand.begun)
    this.zombies.push(hand)
  }

  async inTransaction(holds: boolean, work: (over: Client) => Promise<() => void>): Promise<void> {
    if (!holds || this.isHolding) {
      const effect = await unlessLocked(() => work(this.#worker))
      return effect?.()
    }
    await this.#holder.query('begin')
    this.#held = (await unlessLocked(() => work(this.#holder))) ?? null
    if (this.#held === null) await this.#holder.query('rollback')
  }
}
