/** Measures the time from the commit of an event to the start of its handler, in another process. */
import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'pg'
import type { Contestant } from '../contestants/contestant.ts'
import { graphileDefault, graphileTuned } from '../contestants/graphile-worker.ts'
import { notified } from '../contestants/pg-boss-work.ts'
import { plainDefault } from '../contestants/postbus.ts'
import { orderOf } from '../order.ts'
import { graphileWorker } from '../publishers/graphile-worker.ts'
import { pgBossInsert } from '../publishers/pg-boss.ts'
import { postbus } from '../publishers/postbus.ts'
import { createOrders, placeOrder, type OpenPublisher, type Publisher } from '../publishers/publisher.ts'
import type { Case, Entry, Extent, FigureOf, Figures, Question } from '../question.ts'
import { percentile } from '../statistics.ts'
import { steadily, Stopwatch } from '../stopwatch.ts'
import { withWorkers } from '../workers.ts'

const IDLE = 'idle, an event every 50 ms'
const HALF_LOAD = 'half load, 400 events/s'
const PER_SECOND = 400
const P50 = 'p50 ms'
const P99 = 'p99 ms'

export const latency: Question = {
  name: 'latency',
  asks: 'how long does it take from the commit of an event to the start of its handler?',
  rounds: 3,
  notes: [
    'The publisher writes an order and publishes in the same transaction; the worker is another process of the same machine. Time runs from right before the commit is sent, so it includes the commit’s own wait for the disk, and ends when the handler starts.',
    'Idle: one transaction after another, 50 ms apart. Half load: about half of what the slowest of these publishers manages on this machine, at a steady rate, whether or not earlier transactions have ended, on 8 connections; what is not begun in time because 100 are under way is left out.',
    'The clock is that of the machine, which both processes read alike.',
  ],
  chart: [P50, P99],
  cases: casesOf,
  goals: [
    {
      says: `${IDLE}: ${P50}, in times of graphile-worker (the faster of its two)`,
      measured: (figure) =>
        ours(figure, P50) / Math.min(...[graphileDefault, graphileTuned].map(({ name }) => of(figure, name, P50))),
      atMost: 1,
    },
    {
      says: `${IDLE}: ${P99}, in times of our p50`,
      measured: (figure) => ours(figure, P99) / ours(figure, P50),
      atMost: 3,
    },
    {
      says: `${HALF_LOAD}: ${P99}, in times of graphile-worker tuned`,
      measured: (figure) => {
        const p99Of = ({ name }: Contestant) => figure({ case: HALF_LOAD, contestant: name, figure: P99 })
        return p99Of(plainDefault) / p99Of(graphileTuned)
      },
      atMost: 1,
    },
  ],
}

function ours(value: FigureOf, figure: string): number {
  return of(value, plainDefault.name, figure)
}

function of(value: FigureOf, contestant: string, figure: string): number {
  return value({ case: IDLE, contestant, figure })
}

const pairs: readonly (readonly [Contestant, Publisher])[] = [
  [plainDefault, postbus],
  [graphileDefault, graphileWorker],
  [graphileTuned, graphileWorker],
  [notified, pgBossInsert],
]

function casesOf({ quick }: Extent): readonly Case[] {
  const samples = quick ? 5 : 100
  const forMs = quick ? 200 : 5_000
  const idle: Publishing = async (publishAt) => {
    const startedAt = performance.now()
    for (let place = 0; place < samples; place += 1) {
      await publishAt(place)
      await delay(50)
    }
    return (1_000 * samples) / (performance.now() - startedAt)
  }
  const halfLoad: Publishing = (publishAt) => steadily({ perSecond: PER_SECOND, forMs }, publishAt)
  return [
    {
      name: IDLE,
      entries: (quick ? [...pairs.slice(0, 1), ...pairs.slice(3)] : pairs).map((pair) => entryFor(...pair, idle)),
    },
    ...(quick ? [] : [{ name: HALF_LOAD, entries: pairs.map((pair) => entryFor(...pair, halfLoad)) }]),
  ]
}

/** Publishes events, and returns the rate in events per second. */
type Publishing = (publishAt: (place: number) => Promise<void>) => Promise<number>

function entryFor(contestant: Contestant, publisher: Publisher, publishing: Publishing): Entry {
  return {
    contestant: contestant.name,
    configuration: `${contestant.configuration}; 1 worker process; ${publisher.configuration.split(';')[0]}`,
    state: contestant.product,
    async prepare({ connectionString }) {
      await createOrders(connectionString)
      await contestant.fill(connectionString, { keys: [] })
    },
    async measure({ connectionString }) {
      const open = await publisher.open(connectionString, 1)
      const pool = new Pool({ connectionString, max: 8 })
      pool.on('error', () => undefined) // an idle connection may be cut while it is being closed
      try {
        return await measured({ contestant, connectionString, open, pool }, publishing)
      } finally {
        await pool.end()
        await open.close()
      }
    },
  }
}

interface Setting {
  readonly contestant: Contestant
  readonly connectionString: string
  readonly open: OpenPublisher
  readonly pool: Pool
}

/** Events before the first that counts: they open connections and plan statements. */
const WARM_UP = 10

async function measured(setting: Setting, publishing: Publishing): Promise<Figures> {
  return withWorkers(setting.contestant, setting.connectionString, 1, async (workers) => {
    workers.start('start, telling when each handler starts')
    const stopwatch = new Stopwatch(workers)
    for (let place = 0; place < WARM_UP; place += 1) await publishOne(setting, stopwatch, place)
    await stopwatch.finish()
    const perSecond = await publishing((place) => publishOne(setting, stopwatch, WARM_UP + place))
    const latencies = await stopwatch.finish()
    return { [P50]: percentile(latencies, 50), [P99]: percentile(latencies, 99), 'events/s': perSecond }
  })
}

async function publishOne({ open, pool }: Setting, stopwatch: Stopwatch, place: number): Promise<void> {
  const client = await pool.connect()
  try {
    await placeOrder(open, client, orderOf(`order-${place}`, place), () => stopwatch.start(place))
  } finally {
    client.release()
  }
}
