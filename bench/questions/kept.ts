/** Measures the bytes that a finished delivery leaves behind: in the history, and in the table that it has left. */
import { Client } from 'pg'
import { ourBest, plainBest } from '../contestants/postbus.ts'
import type { Contestant } from '../contestants/contestant.ts'
import { watchDrain } from '../drain.ts'
import { evenLoad } from '../load.ts'
import type { Case, Question } from '../question.ts'

const KEPT = 'bytes kept per delivery'
const QUEUES = [
  ['without keys', plainBest],
  ['on 5,000 keys', ourBest],
] as const

export const kept: Question = {
  name: 'kept',
  asks: 'how much does a finished delivery keep?',
  rounds: 1,
  notes: [
    '100,000 deliveries are worked off. A delivery keeps its row in the history, with the index. The live table keeps its pages for later deliveries; its size is that after a plain vacuum.',
    'The event is stored once, for all of its deliveries. The bytes of an event are the size of all other tables of Postbus, with their indexes, divided by the number of events. A payload has about 150 bytes.',
  ],
  cases: ({ quick }) =>
    QUEUES.slice(quick ? 1 : 0).map(([name, contestant]) => caseOf(name, contestant, quick ? 200 : 100_000)),
  goals: QUEUES.map(([name]) => ({
    says: `${name}: bytes kept per delivery`,
    measured: (figure) => figure({ case: name, contestant: 'postbus', figure: KEPT }),
    atMost: 100,
  })),
}

function caseOf(name: string, contestant: Contestant, events: number): Case {
  const load = evenLoad(events, 5_000)
  return {
    name,
    entries: [
      {
        contestant: 'postbus',
        configuration: `${contestant.configuration}; 1 worker process`,
        state: `${events} waiting`,
        prepare: ({ connectionString }) => contestant.fill(connectionString, load),
        async measure({ connectionString }) {
          await watchDrain({ contestant, load, limitMs: 300_000, figures: () => ({}) }, connectionString)
          return sizes(connectionString, events)
        },
      },
    ],
  }
}

async function sizes(connectionString: string, events: number) {
  const client = new Client({ connectionString })
  await client.connect()
  await client.query('vacuum pgboss.job_common')
  const { rows } = await client.query<{ history: string; live: string; events: string }>(
    `select sum(pg_total_relation_size(class.oid)) filter (where class.relname like 'history%') as history,
      sum(pg_total_relation_size(class.oid)) filter (where class.relname = 'job_common') as live,
      sum(pg_total_relation_size(class.oid)) filter (where space.nspname = 'postbus' and class.relname not like 'history%') as events
    from pg_class class join pg_namespace space on space.oid = class.relnamespace
    where space.nspname in ('postbus', 'pgboss') and class.relkind = 'r'`,
  )
  await client.end()
  const history = Number(rows[0]?.history) / events
  return {
    [KEPT]: history,
    'bytes kept per event': Number(rows[0]?.events) / events,
    'bytes per delivery of the live table, for reuse': Number(rows[0]?.live) / events,
  }
}
