/** Measures the cost of publishing to many receivers, and of large events: the rate, and the bytes of WAL for each event. */
import { randomBytes } from 'node:crypto'
import type { Client } from 'pg'
import { orderOf } from '../order.ts'
import { publishingEntry } from '../publishers/entry.ts'
import { graphileWorker } from '../publishers/graphile-worker.ts'
import { pgBossInsert } from '../publishers/pg-boss.ts'
import { postbus } from '../publishers/postbus.ts'
import type { OpenPublisher, Publisher } from '../publishers/publisher.ts'
import type { Case, Entry, Extent, Figures, Goal, Question } from '../question.ts'

const RECEIVERS = [1, 5, 20]
const KILOBYTES = [0.2, 1, 8]
const RATE = 'events/s'
const WAL = 'bytes of WAL per event'
const publishers = [postbus, pgBossInsert, graphileWorker]

export const fanOut: Question = {
  name: 'fan-out',
  asks: 'what does an event cost that has many receivers, or much to say?',
  rounds: 2,
  notes: [
    'One connection; each event in a transaction of its own, which does nothing else. Postbus stores the data once, the others once for each receiver.',
    'The data is text that does not compress. Postgres compresses large values that do, in every table, before they are written.',
    'WAL is the distance between two positions of the server’s log, over all events, after a checkpoint: it includes an image of each page that is changed for the first time since then.',
  ],
  chart: [WAL],
  cases: casesOf,
  goals: [pgBossInsert, graphileWorker].map((peer): Goal => ({
    says: `${caseName(20, 8)}: bytes of WAL, in times of ${peer.name}`,
    measured: (figure) =>
      figure({ case: caseName(20, 8), contestant: postbus.name, figure: WAL }) /
      figure({ case: caseName(20, 8), contestant: peer.name, figure: WAL }),
    atMost: 0.25,
  })),
}

function caseName(receivers: number, kilobytes: number): string {
  return `${receivers} receiver${receivers === 1 ? '' : 's'}, ${kilobytes} KB`
}

function casesOf({ quick }: Extent): readonly Case[] {
  const events = quick ? 5 : 100
  return RECEIVERS.flatMap((receivers) =>
    KILOBYTES.map((kilobytes) => ({
      name: caseName(receivers, kilobytes),
      entries: (quick ? publishers.slice(0, 2) : publishers).map((publisher) =>
        entryFor(publisher, { receivers, kilobytes, events }),
      ),
    })),
  ).filter(({ name }) => !quick || name === caseName(20, 8))
}

interface Amount {
  readonly receivers: number
  readonly kilobytes: number
  readonly events: number
}

function entryFor(publisher: Publisher, amount: Amount): Entry {
  const { receivers } = amount
  const entry = publishingEntry(publisher, { receivers, connections: 1 }, ({ open, clients: [client] }) =>
    costOf(open, client, amount),
  )
  return { ...entry, configuration: publisher.configuration.split(';')[0] ?? '' }
}

const WARM_UP = 20

async function costOf(open: OpenPublisher, client: Client | undefined, amount: Amount): Promise<Figures> {
  if (!client) throw new Error('There is no connection.')
  await publishMany(open, client, { ...amount, events: Math.min(WARM_UP, amount.events) })
  await client.query('checkpoint')
  const [startedAt, from] = [performance.now(), await walPosition(client)]
  await publishMany(open, client, amount)
  const elapsedMs = performance.now() - startedAt
  const bytes = (await walPosition(client)) - from
  return { [WAL]: bytes / amount.events, [RATE]: (1_000 * amount.events) / elapsedMs }
}

async function publishMany(open: OpenPublisher, client: Client, { events, kilobytes }: Amount): Promise<void> {
  for (let place = 0; place < events; place += 1) {
    const order = orderOf(`order-${place}`, place, noteOf(kilobytes))
    await client.query('begin')
    await open.publish(client, order)
    await client.query('commit')
  }
}

/** Returns a note that makes an order `kilobytes` KB large. */
function noteOf(kilobytes: number): string {
  const rest = 150
  return randomBytes(Math.round((Math.max(0, kilobytes * 1_000 - rest) * 3) / 4)).toString('base64')
}

async function walPosition(client: Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(`select pg_current_wal_insert_lsn() - '0/0'::pg_lsn as bytes`)
  return Number(rows[0]?.bytes)
}
