/** Measures how fast handlers work off the log, compared with the queues of others. */
import { graphileNamedTuned, graphileTuned } from '../contestants/graphile-worker.ts'
import type { Contestant } from '../contestants/contestant.ts'
import { logTen, logWithKeys, logWithoutKeys, ourBest } from '../contestants/postbus.ts'
import { drainEntry, PEER_LIMIT_MS, RATE, rateOf } from '../drain.ts'
import { evenLoad } from '../load.ts'
import type { Case, Extent, Goal, Question } from '../question.ts'

const WITHOUT_KEYS = '200,000 without keys, 1 process'
const WITH_KEYS = '200,000 on 5,000 keys, 1 process'
const IN_TWO = '200,000 on 5,000 keys, 2 processes'
const TEN = 10

export const log: Question = {
  name: 'log',
  asks: 'how fast do handlers work off the log?',
  rounds: 3,
  notes: [
    'Handlers do nothing. Workers are processes of their own; time counts from the first event that is handled to the last one. Cursors are acknowledged at most 50 ms later.',
    'Ten handlers read the same log in one process: the rate counts each event once for each of them.',
    'Peers that need longer than 5 s are measured by what was done in 5 s, while most of the backlog still waits. Events of about 150 bytes.',
  ],
  chart: [RATE],
  cases: casesOf,
  goals: [
    timesPeer(WITHOUT_KEYS, logWithoutKeys, { peer: graphileTuned, atLeast: 3 }),
    timesPeer(WITH_KEYS, logTen, { peer: logWithKeys, atLeast: 3 }),
    timesPeer(WITH_KEYS, logWithKeys, { peer: graphileNamedTuned, atLeast: 5 }),
    timesPeer(IN_TWO, logWithKeys, { peer: graphileNamedTuned, atLeast: 5 }),
  ],
}

function timesPeer(
  name: string,
  contestant: Contestant,
  { peer, atLeast }: { readonly peer: Contestant; readonly atLeast: number },
): Goal {
  return {
    says: `${name}: ${contestant.name}, times ${peer.name}`,
    measured: (figure) =>
      figure({ case: name, contestant: contestant.name, figure: RATE }) /
      figure({ case: name, contestant: peer.name, figure: RATE }),
    atLeast,
  }
}

function casesOf({ quick }: Extent): readonly Case[] {
  const events = quick ? 200 : 200_000
  const load = evenLoad(events, 5_000)
  const ours = [logWithKeys, logWithoutKeys, logTen]
  const caseOf = (name: string, contestants: readonly Contestant[], processes: number): Case => ({
    name,
    entries: contestants.map((contestant) =>
      drainEntry({
        contestant,
        load,
        processes,
        limitMs: quick ? 5_000 : ours.includes(contestant) ? 120_000 : PEER_LIMIT_MS,
        figures: rateOf,
        ...(contestant === logTen && { until: ({ done }) => done >= TEN * events }),
      }),
    ),
  })
  if (quick) return [caseOf(WITH_KEYS, [logWithKeys], 1)]
  return [
    caseOf(WITHOUT_KEYS, [logWithoutKeys, graphileTuned], 1),
    caseOf(WITH_KEYS, [logWithKeys, logTen, ourBest, graphileNamedTuned], 1),
    caseOf(IN_TWO, [logWithKeys, graphileNamedTuned], 2),
  ]
}
