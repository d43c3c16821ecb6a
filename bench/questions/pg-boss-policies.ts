/**
 * Shows what pg-boss's own policies do in the situations in which an order breaks: the evidence for
 * `docs/decisions/0007-lanes-instead-of-pg-boss-policies.md`.
 */
import { Client } from 'pg'
import { fifo, singleton } from '../contestants/pg-boss.ts'
import { ourDefault } from '../contestants/postbus.ts'
import type { KeeperOfOrder, OpenKeeper } from '../contestants/keeper-of-order.ts'
import { pgBossKeeper } from '../contestants/pg-boss-keeper.ts'
import { postbusKeeper } from '../contestants/postbus-keeper.ts'
import { drainEntry, PEER_LIMIT_MS, rateOf } from '../drain.ts'
import { evenLoad } from '../load.ts'
import type { Case, Entry, Extent, Figures, Question } from '../question.ts'

const keepers = [postbusKeeper, pgBossKeeper('singleton'), pgBossKeeper('key_strict_fifo')]

export const pgBossPolicies: Question = {
  name: 'pg-boss-policies',
  asks: 'do the policies of pg-boss keep the order of a key, and at what rate?',
  rounds: 3,
  notes: [
    'The figure of a situation is what was handled, in order; ✗ is an attempt that failed.',
    'A rate is that of fetch(50) and complete in one loop; who needs longer than 5 s is measured by what was done in 5 s.',
  ],
  cases: casesOf,
  goals: [],
}

function casesOf({ quick }: Extent): readonly Case[] {
  const others = quick ? 20 : 1_000
  const situations = [
    situation('ten events of a key in one transaction', oneTransaction),
    situation('a row lock puts A before B, whose transaction began first', lockOrder),
    situation('the first of three fails, retry in 1 s', failure),
    situation(`one key busy, ${others.toLocaleString('en')} others ready`, (open, client) =>
      hotKey(open, client, others),
    ),
  ]
  if (quick) return [...situations.slice(1, 2), ...situations.slice(3)]
  return [...situations, ...[1_000, 10_000, 100_000].map(rateCase)]
}

type Situation = (open: OpenKeeper, connect: () => Promise<Client>) => Promise<Figures>

function situation(name: string, run: Situation): Case {
  return { name, entries: keepers.map((keeper) => situationEntry(keeper, run)) }
}

function situationEntry(keeper: KeeperOfOrder, run: Situation): Entry {
  return {
    contestant: keeper.name,
    configuration: keeper.configuration,
    state: keeper.name,
    prepare: ({ connectionString }) => keeper.install(connectionString),
    async measure({ connectionString }) {
      const clients: Client[] = []
      const open = await keeper.open(connectionString)
      try {
        return await run(open, async () => {
          const client = new Client({ connectionString })
          clients.push(client)
          await client.connect()
          return client
        })
      } finally {
        await Promise.all(clients.map((client) => client.end()))
        await open.close()
      }
    },
  }
}

async function oneTransaction(open: OpenKeeper, connect: () => Promise<Client>): Promise<Figures> {
  const client = await connect()
  await client.query('begin')
  for (let n = 1; n <= 10; n += 1) await open.publish(client, 'key', String(n))
  await client.query('commit')
  return { handled: (await open.handle(10)).join(' ') }
}

/** The transaction of B begins first, but that of A gets the lock on the entity's row first, and commits first. */
async function lockOrder(open: OpenKeeper, connect: () => Promise<Client>): Promise<Figures> {
  const [first, second] = [await connect(), await connect()]
  await first.query('create table entity (id integer primary key); insert into entity values (1)')
  await second.query('begin; select now()')
  await first.query('begin')
  await first.query('select from entity where id = 1 for update')
  await open.publish(first, 'key', 'A')
  const locked = second.query('select from entity where id = 1 for update')
  await first.query('commit')
  await locked
  await open.publish(second, 'key', 'B')
  await second.query('commit')
  return { handled: (await open.handle(2)).join(' ') }
}

async function failure(open: OpenKeeper, connect: () => Promise<Client>): Promise<Figures> {
  const client = await connect()
  for (const what of ['1', '2', '3']) await publishAlone(open, client, { key: 'key', what })
  return { handled: (await open.handle(4, '1')).join(' ') }
}

/** The busy key has as many events behind its first one as there are other keys. */
async function hotKey(open: OpenKeeper, connect: () => Promise<Client>, others: number): Promise<Figures> {
  const client = await connect()
  await publishAlone(open, client, { key: 'hot', what: 'first' })
  for (let n = 1; n <= others; n += 1) await publishAlone(open, client, { key: 'hot', what: String(n) })
  for (let n = 1; n <= others; n += 1) await publishAlone(open, client, { key: `key-${n}`, what: String(n) })
  return { 'others handled meanwhile': await open.handleBeside('hot', others) }
}

async function publishAlone(open: OpenKeeper, client: Client, { key, what }: { key: string; what: string }) {
  await client.query('begin')
  await open.publish(client, key, what)
  await client.query('commit')
}

function rateCase(waiting: number): Case {
  const load = evenLoad(waiting, 5_000)
  const entries = [ourDefault, singleton, fifo].map((contestant) =>
    drainEntry({ contestant, load, limitMs: PEER_LIMIT_MS, figures: rateOf }),
  )
  return { name: `${waiting.toLocaleString('en')} waiting on 5,000 keys`, entries }
}
