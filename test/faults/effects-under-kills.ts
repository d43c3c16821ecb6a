/** Kills processes with transactional handlers one after the other, and counts the effects. */
import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { recoverClaims } from '../../src/backends/postgres/deliveries/claims.ts'
import { tablesIn } from '../../src/backends/postgres/schema/tables.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { killed, startWorkerProcess } from '../support/killable-worker.ts'
import { takeOverSilent } from '../support/take-over.ts'
import { until } from '../support/until.ts'
import { handlerFor, Wanted, type Kind } from './effects-worker.ts'

export interface EffectsOptions {
  /** The names of the database clients. */
  readonly clients: readonly string[]
  /** Effects for each client, without the effects that other effects cause. */
  readonly effects: number
  readonly kills: number
  /** How the handlers get their events. Default: as jobs, one by one. */
  readonly kind?: Kind
}

export interface EffectsReport {
  readonly expected: number
  readonly effects: number
  /** Surplus effects: an effect must not be there more than once. */
  readonly doubled: number
  /** Claims, or shards of the log, that were lost to kills. */
  readonly takenOver: number
  /** Rows of `completion` that are left when nothing waits any more. */
  readonly left: number
  readonly dead: number
}

const JOBS: Kind = { delivery: 'job' }

export async function effectsUnderKills({
  clients,
  effects,
  kills,
  kind = JOBS,
}: EffectsOptions): Promise<EffectsReport> {
  const handlers = clients.map((client) => handlerFor(client, kind))
  const opened = await openTestBus({ handlers }, { ownServer: kind.delivery === 'log' })
  const working = { clients, kind, opened }
  try {
    await opened.database.query('create table effect (client text, n integer, level integer)')
    const numbers = Array.from({ length: effects }, (_, n) => n)
    for (const client of clients) await opened.bus.publish(numbers.map((n) => Wanted({ client, n, level: 0 })))
    const expected = clients.length * (effects + numbers.filter((n) => n % 4 < 2).length)

    let takenOver = 0
    for (let kill = 0; kill < kills;) {
      const share = Math.floor((expected * (kill + 0.5)) / (kills + 1))
      const claims = await killedAfter(share, working)
      takenOver += claims
      if (claims > 0) kill += 1 // a kill between two claims does not count
    }
    const last = await start(working)
    await until('all is done', async () => (await count(opened, LIVE)) + (await count(opened, UNREAD)) === 0, 600_000)
    await killed(last)

    const [all, different, left] = [
      await count(opened, 'effect'),
      await count(opened, DIFFERENT),
      await count(opened, 'postbus.completion'),
    ]
    const dead = await opened.bus.deadLetters.count()
    return { expected, effects: different, doubled: all - different, takenOver, left, dead }
  } finally {
    await opened.close()
  }
}

const TABLES = tablesIn({ postbus: 'postbus', pgboss: 'pgboss' })
const LIVE = `pgboss.job where state < 'completed'`
const ACTIVE = `pgboss.job where state = 'active'`
const OWNED = 'postbus.log_cursor where owner is not null'
const UNREAD = 'postbus.log_cursor one where one.position < (select max(seq) from postbus.event)'
const DIFFERENT = '(select distinct client, n, level from effect) one'

interface Working {
  readonly clients: readonly string[]
  readonly kind: Kind
  readonly opened: TestBus
}

/** Returns how many claims the worker had. They are taken over at once, while the server may still run its last statements. */
async function killedAfter(effects: number, working: Working): Promise<number> {
  const { opened, kind } = working
  const worker = await start(working)
  await until('it has worked', async () => (await count(opened, 'effect')) >= effects, 120_000)
  await until('it works', async () => (await count(opened, kind.delivery === 'job' ? ACTIVE : OWNED)) > 0, 120_000)
  await sleep(Math.random() * 10)
  await killed(worker)
  const shards = await freedShards(opened)
  return shards + (await takeOverSilent((looking) => recoverClaims(opened.database, TABLES, looking)))
}

/** Frees the shards of the log at once, as another worker does after some seconds. */
async function freedShards({ database }: TestBus): Promise<number> {
  const { rowCount } = await database.query(
    `with gone as (delete from postbus.log_reader returning id)
    update postbus.log_cursor one set owner = null, deaths = deaths + 1 from gone where one.owner = gone.id`,
  )
  return rowCount ?? 0
}

async function start({ clients, kind, opened: { connectionString } }: Working): Promise<ChildProcess> {
  return startWorkerProcess([
    'test/faults/effects-process.ts',
    connectionString,
    clients.join('|'),
    JSON.stringify(kind),
  ])
}

async function count({ database }: TestBus, what: string): Promise<number> {
  const { rows } = await database.query<{ count: number }>(`select count(*)::integer as count from ${what}`)
  return rows[0]?.count ?? -1
}
