/** Measures how fast a backlog without keys is worked off. */
import { bullmqFast } from '../contestants/bullmq.ts'
import type { Contestant } from '../contestants/contestant.ts'
import { graphileDefault, graphileTuned } from '../contestants/graphile-worker.ts'
import { standardTuned } from '../contestants/pg-boss.ts'
import { asDocumented, inBatches } from '../contestants/pg-boss-work.ts'
import { plainBest, plainDefault } from '../contestants/postbus.ts'
import { rawSql } from '../contestants/raw-sql.ts'
import { drainEntry, PEER_LIMIT_MS, RATE, rateAndCostOf } from '../drain.ts'
import { evenLoad } from '../load.ts'
import type { Case, Extent, Goal, Question } from '../question.ts'

const ONE = '100,000 waiting, 1 process'
const TWO = '100,000 waiting, 2 processes'
const ours = [plainBest, plainDefault]
const everyone = [...ours, graphileDefault, graphileTuned, asDocumented, inBatches, standardTuned, bullmqFast, rawSql]

const inTwo = [plainBest, graphileTuned, asDocumented, standardTuned, bullmqFast, rawSql]

export const drain: Question = {
  name: 'drain',
  asks: 'how fast is a backlog worked off that has no order to keep?',
  rounds: 3,
  notes: [
    'Handlers do nothing. Workers are processes of their own; time counts from the first delivery that is done to the last one.',
    'Done means done in the database. graphile-worker, BullMQ and pg-boss work() tell of a job when its handler has run; with graphile-worker, which completes jobs in the background, the time runs until its table is empty.',
    'Peers that need longer than 5 s are measured by what was done in 5 s, while most of the backlog still waits.',
    'Raw SQL locks rows of a table with two columns, 500 at a time, and deletes them in the same transaction: it has no retries, no heartbeats, and keeps nothing of what was done.',
    'CPU time is given in microseconds for each delivery: the time of the worker processes, and the time of all processes of the database server. The server’s time includes its background processes, such as vacuum.',
    'Events of about 150 bytes. Tables are analyzed after they are filled. BullMQ is filled again for each round.',
  ],
  chart: [RATE],
  cases: casesOf,
  goals: [
    ...[ONE, TWO].flatMap((name): readonly Goal[] => [
      timesPeer(name, plainBest, graphileTuned, 1.15),
      timesPeer(name, plainBest, bullmqFast, 2),
      timesPeer(name, plainBest, asDocumented, 5),
    ]),
    timesPeer(ONE, plainBest, inBatches, 1.3),
    timesPeer(ONE, plainDefault, graphileDefault, 8),
  ],
}

function timesPeer(name: string, contestant: Contestant, peer: Contestant, atLeast: number): Goal {
  return {
    says: `${name}: ${contestant.name}, times ${peer.name}`,
    measured: (figure) =>
      figure({ case: name, contestant: contestant.name, figure: RATE }) /
      figure({ case: name, contestant: peer.name, figure: RATE }),
    atLeast,
  }
}

function casesOf({ quick }: Extent): readonly Case[] {
  const load = evenLoad(quick ? 200 : 100_000, 5_000)
  const limitOf = (contestant: Contestant) => (quick ? 2_000 : ours.includes(contestant) ? 300_000 : PEER_LIMIT_MS)
  const caseOf = (name: string, contestants: readonly Contestant[], processes: number): Case => ({
    name,
    entries: contestants.map((contestant) =>
      drainEntry({ contestant, load, processes, limitMs: limitOf(contestant), figures: rateAndCostOf }),
    ),
  })
  if (quick) return [caseOf(ONE, [plainBest, graphileTuned, inBatches, bullmqFast, rawSql], 1)]
  return [caseOf(ONE, everyone, 1), caseOf(TWO, inTwo, 2)]
}
