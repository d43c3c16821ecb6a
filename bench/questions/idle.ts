/** Measures the cost of a worker that has nothing to do. */
import { setTimeout as delay } from 'node:timers/promises'
import { bullmqIdle } from '../contestants/bullmq.ts'
import type { Contestant } from '../contestants/contestant.ts'
import { graphileIdle, graphileIdleTuned } from '../contestants/graphile-worker.ts'
import { idleNotified, idlePolling } from '../contestants/pg-boss-work.ts'
import { idle as ourIdle } from '../contestants/postbus.ts'
import type { Case, Entry, Extent, FigureOf, Figures, Question } from '../question.ts'
import { countStatements } from '../statement-counter.ts'
import { withWorkers, type Workers } from '../workers.ts'

const CASE = '5 queues, nothing to do'
/** For Postbus: each of five handlers has a queue for events without a key, and one for events with a key. */
const OUR_QUEUES = 12
const STATEMENTS = 'statements a minute'
const CPU = '% of a core'
const RSS = 'MB of memory'

export const idle: Question = {
  name: 'idle',
  asks: 'what does a worker cost that has nothing to do?',
  rounds: 1,
  notes: [
    'One worker process for 60 s, after 5 s to settle down. Each of the five has a handler. --full measures two more ways to set up the peers.',
    'Statements are counted on the wire, by a proxy between the worker and Postgres: simple queries and executions of prepared ones, heartbeats and upkeep included. For BullMQ they are the commands that Redis says it has processed.',
    'The share of a core is the worker’s own (process.cpuUsage); what the server does for it is not in it. Memory is the resident set of the process, Node included. Postbus runs from its TypeScript sources here, which Node has to hold too.',
    'Postbus has twelve queues here: a plain one and a partitioned one for each handler, and the default pair, on which every worker works.',
  ],
  chart: [STATEMENTS, CPU],
  cases: casesOf,
  goals: [
    {
      says: 'statements per queue and second',
      measured: (figure) => ours(figure, STATEMENTS) / 60 / OUR_QUEUES,
      atMost: 1,
    },
    { says: 'share of a core, in percent', measured: (figure) => ours(figure, CPU), atMost: 1 },
  ],
}

function ours(value: FigureOf, figure: string): number {
  return value({ case: CASE, contestant: ourIdle.name, figure })
}

function casesOf({ quick, full }: Extent): readonly Case[] {
  const span = quick ? { settleMs: 200, forMs: 1_000 } : { settleMs: 5_000, forMs: 60_000 }
  const everyone = [ourIdle, graphileIdleTuned, idlePolling, bullmqIdle, ...(full ? [graphileIdle, idleNotified] : [])]
  const measured = quick ? everyone.slice(0, 2) : everyone
  return [{ name: CASE, entries: measured.map((contestant) => entryFor(contestant, span)) }]
}

interface Span {
  readonly settleMs: number
  readonly forMs: number
}

function entryFor(contestant: Contestant, span: Span): Entry {
  const { bring } = contestant
  return {
    contestant: contestant.name,
    configuration: `${contestant.configuration}; 1 worker process`,
    state: contestant.name,
    prepare: async ({ connectionString }) => (bring ? undefined : contestant.fill(connectionString, { keys: [] })),
    async measure({ connectionString }) {
      if (bring) return idleElsewhere(contestant, bring, span)
      const counter = await countStatements(connectionString)
      try {
        const count = async () => counter.statements()
        return await idleCost({ contestant, connectionString: counter.connectionString, count }, span)
      } finally {
        await counter.stop()
      }
    },
  }
}

async function idleElsewhere(contestant: Contestant, bring: NonNullable<Contestant['bring']>, span: Span) {
  const store = await bring()
  if ('because' in store) return { [STATEMENTS]: `not measured: ${store.because}` }
  const { connectionString, commands } = store
  try {
    return await idleCost({ contestant, connectionString, count: commands }, span)
  } finally {
    await store.stop()
  }
}

interface Setting {
  readonly contestant: Contestant
  readonly connectionString: string
  /** The number of statements so far. */
  readonly count: () => Promise<number>
}

async function idleCost({ contestant, connectionString, count }: Setting, span: Span): Promise<Figures> {
  return withWorkers(contestant, connectionString, 1, async (workers) => {
    workers.start('start, telling nothing')
    await alive(workers, span.settleMs)
    const [before, countBefore] = [await workers.cost(), await count()]
    const startedAt = performance.now()
    await alive(workers, span.forMs)
    const [after, countAfter, elapsedMs] = [await workers.cost(), await count(), performance.now() - startedAt]
    return {
      [STATEMENTS]: (60_000 * (countAfter - countBefore)) / elapsedMs,
      [CPU]: (100 * (after.cpuMs - before.cpuMs)) / elapsedMs,
      [RSS]: after.rssBytes / 1_000_000,
    }
  })
}

async function alive(workers: Workers, forMs: number): Promise<void> {
  await Promise.race([delay(forMs), workers.death])
}
