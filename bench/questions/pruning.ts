/** Measures whether tables stay as large as they are while old events are pruned as fast as new ones come, and what pruning costs. */
import { Client } from 'pg'
import { anEvent, prunedBus, prunedSoon, prunedSoonest, threeHandlers } from '../contestants/postbus.ts'
import type { Contestant } from '../contestants/contestant.ts'
import type { BenchDatabase, Case, Entry, FigureOf, Figures, Question } from '../question.ts'
import { steadily } from '../stopwatch.ts'
import { withWorkers, type Workers } from '../workers.ts'

const CASE = '1,000 events/s, three handlers'
const LIST = 50
const PER_SECOND = 1_000
const PUBLISHED = 'published/s'
const DONE = 'done/s'
const MB = 'MB in tables and indexes'
const KEPT = 'events in the table'

interface Span {
  readonly pruned: Contestant
  readonly parts: number
  readonly partMs: number
  /** The first part from which on the tables should be as large as they will be. A table of the history is emptied a minute after its last row, or later. */
  readonly settled: number
}

const SHORT: Span = { pruned: prunedSoonest, parts: 16, partMs: 20_000, settled: 8 }
const FULL: Span = { pruned: prunedSoon, parts: 30, partMs: 60_000, settled: 5 }
const UNPRUNED_PARTS = 5

export const pruning: Question = {
  name: 'pruning',
  asks: 'do tables stay as large as they are while events are pruned as fast as they come?',
  rounds: 1,
  notes: [
    '320 s in 16 parts, events are pruned 20 s after their last delivery; with --full, 30 minutes in 30 parts, and 60 s. Without pruning: five parts.',
    'Events without keys, about 150 bytes each, published in lists of 50 by one process, at most 100 lists at once; three handlers that do nothing, in one worker process, which also prunes and vacuums.',
    'Done counts deliveries whose end is in the database. Rates are those of all parts but the first.',
  ],
  cases: ({ quick, full }) => [caseOf(quick ? { ...SHORT, parts: 3, partMs: 300 } : full ? FULL : SHORT)],
  goals: [
    ...[PUBLISHED, DONE].map((figure) => ({
      says: `${figure}, share of the rate without pruning`,
      measured: (value: FigureOf) =>
        figureOf(value, spanIn(value).pruned, figure) / figureOf(value, threeHandlers, figure),
      atLeast: 0.9,
    })),
    {
      says: `${MB}: the last three parts, in times of three earlier ones`,
      measured(value) {
        const { pruned, parts, settled } = spanIn(value)
        const inThree = (last: number) =>
          [last - 2, last - 1, last].map((part) => figureOf(value, pruned, partly(part, MB)))
        return sum(inThree(parts)) / sum(inThree(settled + 2))
      },
      atMost: 1.1,
    },
  ],
}

function figureOf(value: FigureOf, { name }: Contestant, figure: string): number {
  return value({ case: CASE, contestant: name, figure })
}

/** A full run has a contestant of its own. */
function spanIn(value: FigureOf): Span {
  return Number.isNaN(figureOf(value, FULL.pruned, DONE)) ? SHORT : FULL
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}

function partly(part: number, figure: string): string {
  return `part ${part}: ${figure}`
}

function caseOf({ pruned, parts, partMs }: Span): Case {
  const unpruned = Math.min(parts, UNPRUNED_PARTS)
  return { name: CASE, entries: [entryOf(pruned, parts, partMs), entryOf(threeHandlers, unpruned, partMs)] }
}

function entryOf(contestant: Contestant, parts: number, partMs: number): Entry {
  return {
    contestant: contestant.name,
    configuration: `${contestant.configuration}; 1 worker process; ${parts} parts of ${partMs / 1_000} s`,
    state: 'migrated',
    prepare: ({ connectionString }) => contestant.fill(connectionString, { keys: [] }),
    measure: (database) =>
      withWorkers(contestant, database.connectionString, 1, (workers) => measured(database, workers, parts, partMs)),
  }
}

async function measured(
  { connectionString }: BenchDatabase,
  workers: Workers,
  parts: number,
  partMs: number,
): Promise<Figures> {
  const bus = prunedBus(connectionString)
  const observer = new Client({ connectionString })
  await observer.connect()
  try {
    workers.start()
    const figures: Record<string, number> = {}
    const rates: { published: number; done: number }[] = []
    let published = 0
    for (let part = 1; part <= parts; part += 1) {
      const before = { published, done: workers.progress().done, at: performance.now() }
      await steadily({ perSecond: PER_SECOND / LIST, forMs: partMs }, async () => {
        const start = published
        published += LIST
        await bus.publish(Array.from({ length: LIST }, (_, place) => anEvent('order', start + place, 'without keys')))
      })
      const seconds = (performance.now() - before.at) / 1_000
      const done = workers.progress().done - before.done
      rates.push({ published: (published - before.published) / seconds, done: done / seconds })
      const { bytes, events } = await sizes(observer)
      figures[partly(part, MB)] = bytes / 1_000_000
      figures[partly(part, KEPT)] = events
    }
    const settled = rates.slice(1)
    const mean = (of: 'published' | 'done') => sum(settled.map((one) => one[of])) / settled.length
    return { [PUBLISHED]: mean('published'), [DONE]: mean('done'), ...figures }
  } finally {
    await observer.end()
    await bus.close()
  }
}

async function sizes(client: Client): Promise<{ bytes: number; events: number }> {
  const { rows } = await client.query<{ bytes: string; events: string }>(
    `select sum(pg_total_relation_size(relid)) as bytes, (select count(*) from postbus.event) as events
     from pg_stat_user_tables where schemaname in ('postbus', 'pgboss')`,
  )
  return { bytes: Number(rows[0]?.bytes), events: Number(rows[0]?.events) }
}
