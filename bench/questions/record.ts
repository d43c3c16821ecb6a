/** Measures how fast a long record of events is read: pages, states, trees. */
import { Client } from 'pg'
import type { Bus, EventQuery } from '../../src/index.ts'
import { plainBest, publishingBus } from '../contestants/postbus.ts'
import { DAYS, HANDLERS, indexRecord, writeLongRecord } from '../long-record.ts'
import type { BenchDatabase, Case, Figures, Question } from '../question.ts'
import { percentile } from '../statistics.ts'

const CONTESTANT = 'postbus'
const NAME = '30 days of events'
const A_DAY_MS = 86_400_000
const STATUS = 'status of an event, ms'
const PAGE_MS = 200

/** The queries of turn `n`. They differ in each turn, so that no page was read a moment ago. */
const QUERIES: Readonly<Record<string, (n: number) => EventQuery>> = {
  everything: () => ({}),
  'a type': (n) => ({ type: `shop.type-${n % 20}` }),
  'a pattern': (n) => ({ type: `shop.type-1${n % 10}*`, first: 'oldest' }),
  'a key': (n) => ({ partitionKey: `key ${n * 97}` }),
  'a correlation id': (n) => ({ correlationId: `visit ${n * 61}` }),
  'a cause': (n) => ({ causationId: `cause ${n * 61}` }),
  'a day': (n) => ({ since: daysAgo(n + 1), until: daysAgo(n) }),
  'a handler': (n) => ({ handler: `bench.receiver-${(n % HANDLERS) + 1}` }),
  'a type on a day': (n) => ({ type: `shop.type-${n % 20}`, since: daysAgo(n + 1), until: daysAgo(n) }),
  'what is unfinished': () => ({ state: 'unfinished' }),
  'what is dead': () => ({ state: 'dead' }),
  'metadata (stops after 200 ms)': (n) => ({ metadata: { tenant: `tenant ${n * 7}` } }),
  'text (stops after 200 ms)': (n) => ({ text: `order-${n * 4_711}"` }),
}

export const record: Question = {
  name: 'record',
  asks: 'how long does it take to look at a long record of events?',
  rounds: 1,
  notes: [
    `A million events over ${DAYS} days, of 20 types, 50,000 keys, ten to a correlation id, each handled by ${HANDLERS} handlers; 500 that wait and 1,000 that are dead. They are written by SQL, and indexed as workers do it.`,
    'Each figure is the slowest of 20 first pages of 50 events, each for something else; of 200 events for the status.',
  ],
  cases: ({ quick }) => [quick ? caseOf(2_000, 2) : caseOf(1_000_000, 20)],
  goals: [
    ...Object.keys(QUERIES).map((what) => ({
      says: `a page by ${what}: ms`,
      measured: (figure: Parameters<Question['goals'][number]['measured']>[0]) =>
        figure({ case: NAME, contestant: CONTESTANT, figure: pageOf(what) }),
      atMost: what.includes('stops') ? 1.5 * PAGE_MS : PAGE_MS,
    })),
    {
      says: `${STATUS}: median`,
      measured: (figure) => figure({ case: NAME, contestant: CONTESTANT, figure: STATUS }),
      atMost: 5,
    },
  ],
}

function caseOf(events: number, turns: number): Case {
  const entry = {
    contestant: CONTESTANT,
    configuration: `bus.events.list and status, ${events.toLocaleString('en')} events`,
    state: `${events} events`,
    prepare: async ({ connectionString }: BenchDatabase) => {
      await plainBest.fill(connectionString, { keys: [] })
      await writeLongRecord(connectionString, events)
      await indexRecord(connectionString)
    },
    measure: ({ connectionString }: BenchDatabase) => measured(connectionString, turns),
  }
  return { name: NAME, entries: [entry] }
}

async function measured(connectionString: string, turns: number): Promise<Figures> {
  const bus = publishingBus(connectionString, 'without keys')
  await bus.events.list({ limit: 1 })
  const figures: Record<string, number> = {}
  for (const [what, queryOf] of Object.entries(QUERIES)) {
    const times: number[] = []
    for (let turn = 0; turn < turns; turn += 1) times.push(await timed(() => bus.events.list(queryOf(turn))))
    figures[pageOf(what)] = Math.max(...times)
  }
  figures[STATUS] = percentile(await statuses(bus, connectionString, turns * 10), 50)
  await bus.close()
  return figures
}

async function statuses(bus: Bus, connectionString: string, count: number): Promise<readonly number[]> {
  const client = new Client({ connectionString })
  await client.connect()
  const { rows } = await client.query<{ id: string }>('select id from postbus.event order by hashint8(seq) limit $1', [
    count,
  ])
  await client.end()
  const times: number[] = []
  for (const { id } of rows) times.push(await timed(() => bus.events.status(id)))
  return times
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now()
  await work()
  return performance.now() - before
}

function pageOf(what: string): string {
  return `page by ${what}, ms`
}

function daysAgo(days: number): Date {
  return new Date(Date.now() - days * A_DAY_MS)
}
