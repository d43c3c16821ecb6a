/** Measures how fast a backlog is worked off that must keep the order of each key, with backlogs of different size and skew. */
import { graphileNamed, graphileNamedTuned } from '../contestants/graphile-worker.ts'
import { fifo, fifoTuned, singleton, singletonTuned } from '../contestants/pg-boss.ts'
import { ourBest, ourDefault } from '../contestants/postbus.ts'
import type { Contestant } from '../contestants/contestant.ts'
import { drainEntry, PEER_LIMIT_MS, RATE, rateOf, type Progress } from '../drain.ts'
import { evenLoad, hotLoad, skewedLoad, type Load } from '../load.ts'
import type { Case, Entry, Extent, FigureOf, Figures, Question } from '../question.ts'

const everyone = [ourBest, ourDefault, fifo, fifoTuned, singleton, singletonTuned]
const named = [graphileNamed, graphileNamedTuned]
const ours = [ourBest, ourDefault]

const SMALL = '10,000 on 5,000 keys'
const LARGE = '100,000 on 5,000 keys'
const HUGE = '1,000,000 on 5,000 keys'
const ONE_KEY = '5,000 on one key'
const SKEWED = '100,000, 90% on one key'
const HOT = '20,000, 90% on one key, to the end'
const BURST = `${LARGE}, not analyzed`

const OTHERS = 'others done after ms'
const HOT_RATE = 'hot lane/s'

export const orderedDrain: Question = {
  name: 'ordered-drain',
  asks: 'how fast is a backlog worked off that must keep the order of each key?',
  rounds: 3,
  notes: [
    'Handlers do nothing. Workers are processes of their own; time counts from the first delivery that is done to the last one, done meaning in the database.',
    'Peers that need longer than 5 s are measured by what was done in 5 s, while most of the backlog still waits.',
    'pg-boss key_strict_fifo sorts by the start of the publishing transaction, and singleton promises no order: neither keeps the order that Postbus keeps (see the question pg-boss-policies).',
    'graphile-worker runs the jobs of one named queue one at a time, in the order of their ids.',
    'Events of about 150 bytes. Tables are analyzed after they are filled, but for one case, which is worked off as it was filled: so it is after any burst, until autovacuum comes.',
  ],
  chart: [RATE],
  cases: casesOf,
  goals: [
    {
      says: `${LARGE}: deliveries a second`,
      measured: (figure) => figure({ case: LARGE, contestant: ourBest.name, figure: RATE }),
      atLeast: 12_000,
    },
    ...[BURST, LARGE].map((name) => ({
      says: `${name}: times pg-boss key_strict_fifo`,
      measured: (figure: FigureOf) =>
        figure({ case: name, contestant: ourBest.name, figure: RATE }) /
        figure({ case: name, contestant: fifo.name, figure: RATE }),
      atLeast: 20,
    })),
    {
      says: `${LARGE}: times ${graphileNamedTuned.name}`,
      measured: (figure) =>
        figure({ case: LARGE, contestant: ourBest.name, figure: RATE }) /
        figure({ case: LARGE, contestant: graphileNamedTuned.name, figure: RATE }),
      atLeast: 1.25,
    },
    {
      says: '1,000,000 waiting: share of the rate with 10,000',
      measured: (figure) =>
        figure({ case: HUGE, contestant: ourBest.name, figure: RATE }) /
        figure({ case: SMALL, contestant: ourBest.name, figure: RATE }),
      atLeast: 0.8,
    },
    ...[ourBest, ourDefault].map(({ name }) => ({
      says: `${SKEWED}: time of the other keys, in times of what they need alone (${name})`,
      measured: (figure: FigureOf) =>
        figure({ case: SKEWED, contestant: name, figure: OTHERS }) /
        figure({ case: SKEWED, contestant: `${name}, others alone`, figure: OTHERS }),
      atMost: 1.5,
    })),
    ...[HOT, SKEWED].map((name) => ({
      says: `${name}: the hot lane, a second${name === SKEWED ? ', while the others are worked off' : ''}`,
      measured: (figure: FigureOf) => figure({ case: name, contestant: ourBest.name, figure: HOT_RATE }),
      atLeast: 1_000,
    })),
    {
      says: `${ONE_KEY}: a second`,
      measured: (figure) => figure({ case: ONE_KEY, contestant: ourBest.name, figure: RATE }),
      atLeast: 4_000,
    },
  ],
}

function casesOf({ quick, full }: Extent): readonly Case[] {
  if (quick) return [skewedCase(skewedLoad(300, 50, 0.9), [ourDefault, fifo])]
  return [
    drainCase(SMALL, evenLoad(10_000, 5_000), [...ours, fifo]),
    drainCase(LARGE, evenLoad(100_000, 5_000), [...everyone, ...named]),
    notAnalyzed(drainCase(BURST, evenLoad(100_000, 5_000), [ourBest, fifo])),
    drainCase(`${LARGE}, 2 processes`, evenLoad(100_000, 5_000), [ourBest, fifo], 2),
    drainCase('10,000 on 100 keys', evenLoad(10_000, 100), [...ours, fifo, singleton, ...named]),
    drainCase(ONE_KEY, hotLoad(5_000), [...ours, fifo, singleton]),
    skewedCase(skewedLoad(100_000, 4_999, 0.9), ours),
    hotCase(skewedLoad(20_000, 999, 0.9).mixed),
    ...(full ? [drainCase(HUGE, evenLoad(1_000_000, 5_000), [ourBest])] : []),
  ]
}

function drainCase(name: string, load: Load, contestants: readonly Contestant[], processes = 1): Case {
  // Our own backlog is drained to its end, even if that takes long: at the end the table is full of finished deliveries.
  const limitMs = (contestant: Contestant) => (ours.includes(contestant) ? 300_000 : PEER_LIMIT_MS)
  const entries = contestants.map((contestant) =>
    drainEntry({ contestant, load, processes, limitMs: limitMs(contestant), figures: rateOf }),
  )
  return { name, entries }
}

function notAnalyzed({ name, entries }: Case): Case {
  const asFilled = (entry: Entry): Entry => ({
    ...entry,
    state: `${entry.state}, not analyzed`,
    statistics: 'as prepared',
  })
  return { name, entries: entries.map(asFilled) }
}

function hotCase(load: Load): Case {
  const figures = ({ ofHot, elapsedMs, first }: Progress): Figures => ({
    [HOT_RATE]: (1_000 * (ofHot - (first?.ofHot ?? 0))) / (elapsedMs - (first?.elapsedMs ?? 0)),
  })
  return { name: HOT, entries: ours.map((contestant) => drainEntry({ contestant, load, limitMs: 120_000, figures })) }
}

function skewedCase(loads: { mixed: Load; withoutHot: Load }, contestants: readonly Contestant[]): Case {
  const others = loads.withoutHot.keys.length
  const until = ({ ofOthers }: Progress) => ofOthers >= others
  const figures = ({ ofHot, elapsedMs, first }: Progress): Figures => {
    const tookMs = elapsedMs - (first?.elapsedMs ?? 0)
    const hotRate = (1_000 * (ofHot - (first?.ofHot ?? 0))) / tookMs
    return ofHot === 0 ? { [OTHERS]: tookMs } : { [OTHERS]: tookMs, [HOT_RATE]: hotRate }
  }
  const rest = { until, figures, limitMs: 60_000 }
  const entries = contestants.flatMap((contestant) => [
    drainEntry({ contestant, load: loads.mixed, ...rest }),
    drainEntry({ contestant, variant: ', others alone', load: loads.withoutHot, ...rest }),
  ])
  return { name: SKEWED, entries }
}
