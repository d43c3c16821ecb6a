/** Measures how fast events are published to three receivers: one by one, each in the transaction of an order, and in lists. */
import { once } from '../databases.ts'
import { orderOf } from '../order.ts'
import { publishingEntry } from '../publishers/entry.ts'
import { graphileWorker } from '../publishers/graphile-worker.ts'
import { pgBossInsert, pgBossPublish } from '../publishers/pg-boss.ts'
import { postbus } from '../publishers/postbus.ts'
import { placeOrder, type Publisher } from '../publishers/publisher.ts'
import { rawSql } from '../publishers/raw-sql.ts'
import type { Case, Entry, Extent, FigureOf, Goal, Question } from '../question.ts'
import type { Slices } from '../slices.ts'

const RECEIVERS = 3
const LIST = 1_000
const ONE = '1 connection'
const EIGHT = '8 connections'
const LISTS = 'lists of 1,000'
/** The contestants take turns so often. A list takes longer, and is a slice of its own. */
const SLICE_MS = 50
const TRANSACTIONS = 'transactions/s'
const DELIVERIES = 'deliveries/s'

export const publish: Question = {
  name: 'publish',
  asks: 'how fast is an event published to three receivers?',
  rounds: 3,
  notes: [
    'A transaction is: begin, insert an order, publish an event of about 150 bytes to three receivers, commit. Each connection does that over and over; one Node process does it for all connections.',
    'The contestants take turns every 50 ms, each in a database of its own.',
    'The first three seconds of each contestant are not counted, in which Node compiles its code. Then the tables are analyzed: in a table that has grown much since, the plans of graphile-worker are slow.',
    'Lists are in transactions of their own, and write no order. A delivery is one event for one receiver.',
    'Postbus and the raw statement store the event once and three deliveries; the others store three jobs, each with its own copy of the data, and no event.',
    'pg-boss publish looks up the subscribed queues outside the transaction, and then sends to each queue inside it.',
  ],
  chart: [TRANSACTIONS, DELIVERIES],
  cases: casesOf,
  goals: [
    ...[ONE, EIGHT].flatMap((name): readonly Goal[] => [
      timesPeer(name, TRANSACTIONS, graphileWorker, 1.3),
      timesPeer(name, TRANSACTIONS, pgBossPublish, 3.5),
      timesPeer(name, TRANSACTIONS, rawSql, 0.65),
    ]),
    timesPeer(LISTS, DELIVERIES, pgBossInsert, 1),
  ],
}

function timesPeer(name: string, figure: string, peer: Publisher, atLeast: number): Goal {
  const of = (value: FigureOf, { name: contestant }: Publisher) => value({ case: name, contestant, figure })
  const measured = (value: FigureOf) => of(value, postbus) / of(value, peer)
  return { says: `${name}: ${figure}, times ${peer.name}`, measured, atLeast }
}

function casesOf({ quick }: Extent): readonly Case[] {
  const [warmUpMs, runMs] = quick ? [0, 60] : [3_000, 3_000]
  const inTransactions = [postbus, graphileWorker, pgBossPublish, rawSql]
  return [
    ...(quick ? [] : [ONE, EIGHT]).map((name) => {
      const connections = name === ONE ? 1 : 8
      return { name, entries: inTransactions.map((one) => transactions(one, { warmUpMs, runMs }, connections)) }
    }),
    { name: LISTS, entries: [postbus, graphileWorker, pgBossInsert, rawSql].map((p) => lists(p, { warmUpMs, runMs })) },
  ]
}

interface Run {
  readonly warmUpMs: number
  readonly runMs: number
}

function transactions(publisher: Publisher, run: Run, connections: number): Entry {
  return publishingEntry(publisher, { receivers: RECEIVERS, connections }, async function* (publishing) {
    const { open, clients, connectionString } = publishing
    let place = 0
    const steps = clients.map((client) => () => placeOrder(open, client, orderOf(`order-${(place += 1)}`, place)))
    return { [TRANSACTIONS]: yield* rateOf(run, steps, connectionString) }
  })
}

function lists(publisher: Publisher, run: Run): Entry {
  return publishingEntry(publisher, { receivers: RECEIVERS, connections: 0 }, async function* (publishing) {
    const orders = Array.from({ length: LIST }, (_, place) => orderOf(`order-${place}`, place))
    const publishList = () => publishing.open.publishList(orders)
    const perSecond = yield* rateOf(run, [publishList], publishing.connectionString)
    return { [DELIVERIES]: perSecond * LIST * RECEIVERS, 'events/s': perSecond * LIST }
  })
}

type Step = () => Promise<unknown>

/** Steps a second, in slices: each of `steps` is repeated until the time is over. The database is analyzed after the warm-up. */
async function* rateOf({ warmUpMs, runMs }: Run, steps: readonly Step[], connectionString: string): Slices<number> {
  for (let ms = 0; ms < warmUpMs; ms += SLICE_MS) {
    await Promise.all(steps.map((step) => repeat(step, SLICE_MS)))
    yield
  }
  await once(connectionString, 'analyze')
  let done = 0
  let tookMs = 0
  for (let ms = 0; ms < runMs; ms += SLICE_MS) {
    const startedAt = performance.now()
    const ofEach = await Promise.all(steps.map((step) => repeat(step, SLICE_MS)))
    tookMs += performance.now() - startedAt
    done += ofEach.reduce((sum, one) => sum + one, 0)
    yield
  }
  return (1_000 * done) / tookMs
}

async function repeat(step: Step, forMs: number): Promise<number> {
  const until = performance.now() + forMs
  let done = 0
  for (; performance.now() < until; done += 1) await step()
  return done
}
