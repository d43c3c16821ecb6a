/** Measures whether finished deliveries slow down the others: with a day's history of a busy service, and without. */
import { Client } from 'pg'
import { anEvent, plainBest, publishingBus } from '../contestants/postbus.ts'
import type { BenchDatabase, Case, Figures, Question } from '../question.ts'
import { percentile } from '../statistics.ts'

const EVENTS_A_DAY = 200 * 86_400
const HANDLERS = 3
const AT_A_TIME = 500_000
const CLAIM = 'claim of 20, ms'
const SETTLE = 'settle of 20, ms'
const STATUS = 'all deliveries of one event, ms'
const FULL = 'postbus, with history'
const EMPTY = 'postbus, empty'

export const volume: Question = {
  name: 'volume',
  asks: 'does a long history make claims, settles and look-ups slower?',
  rounds: 7,
  notes: [
    'An hour of 200 events/s with three handlers each: 720,000 events, 2.2 million rows of history; with --full a day: 17 million and 52 million. They are written by SQL, in the form that settling writes.',
    'Medians of 200 turns: publish 20, claim 20, settle 20; and of 200 look-ups of an event from anywhere in the history.',
  ],
  cases: ({ quick, full }) => [quick ? caseOf(1_000, 10) : caseOf(full ? EVENTS_A_DAY : EVENTS_A_DAY / 24, 200)],
  goals: [
    ...[CLAIM, SETTLE].map((what) => ({
      says: `${what}, in times of an empty system`,
      measured: (figure: Parameters<Question['goals'][number]['measured']>[0]) =>
        figure({ case: NAME, contestant: FULL, figure: what }) /
        figure({ case: NAME, contestant: EMPTY, figure: what }),
      atMost: 1.1,
    })),
    {
      says: STATUS,
      measured: (figure) => figure({ case: NAME, contestant: FULL, figure: STATUS }),
      atMost: 5,
    },
  ],
}

const NAME = 'steady work'

function caseOf(events: number, turns: number): Case {
  const entry = (contestant: string, history: number) => ({
    contestant,
    configuration: `${history} events with ${HANDLERS} finished deliveries each`,
    state: `${history} events`,
    prepare: async ({ connectionString }: BenchDatabase) => {
      await plainBest.fill(connectionString, { keys: [] })
      await writeHistory(connectionString, history)
    },
    measure: ({ connectionString }: BenchDatabase) => measured(connectionString, turns),
  })
  return { name: NAME, entries: [entry(FULL, events), entry(EMPTY, 0)] }
}

async function writeHistory(connectionString: string, events: number): Promise<void> {
  const client = new Client({ connectionString })
  await client.connect()
  await client.query(
    `insert into postbus.handler (name) select 'bench.receiver-' || n from generate_series(1, ${HANDLERS}) n`,
  )
  for (let from = 0; from < events; from += AT_A_TIME) {
    const to = Math.min(events, from + AT_A_TIME)
    await client.query(`with stored as (
      insert into postbus.event (id, type, version, payload, correlation_id, occurred_at)
      select id, 'bench.order-placed', 1, '{"json":{"orderId":"order-1","customerId":"customer-1","total":12.5,"placedAt":"2026-01-01"}}', id::text, now()
      from (select gen_random_uuid() as id from generate_series(${from + 1}, ${to})) one returning seq
    )
    insert into postbus.history (seq, ended_at, took_ms, turn, handler)
    select stored.seq, now(), 3, stored.seq * 12 / ${events + 1}, handler.number from stored cross join postbus.handler`)
  }
  await client.end()
}

async function measured(connectionString: string, turns: number): Promise<Figures> {
  const bus = publishingBus(connectionString, 'without keys')
  const client = new Client({ connectionString })
  await client.connect()
  const times: Record<string, number[]> = { [CLAIM]: [], [SETTLE]: [], [STATUS]: [] }
  const timed = async <Row extends object>(what: string, text: string, values: readonly unknown[]) => {
    const before = performance.now()
    const { rows } = await client.query<Row>({ name: what, text, values: [...values] })
    times[what]?.push(performance.now() - before)
    return rows
  }
  const { rows: seqs } = await client.query<{ last: string }>('select coalesce(max(seq), 1) as last from postbus.event')
  for (let turn = 0; turn < turns; turn += 1) {
    await bus.publish(Array.from({ length: 20 }, (_, place) => anEvent('any', place, 'without keys')))
    const claimed = await timed<{ id: string; claim: string }>(
      CLAIM,
      `select id, claim from postbus.claim_2('events', 20, null, null, null, null) where id is not null`,
      [],
    )
    await timed(SETTLE, `select * from postbus.settle_2('events', $1::uuid[], $2::bigint[], null)`, [
      claimed.map(({ id }) => id),
      claimed.map(({ claim }) => claim),
    ])
    const seq = Math.ceil((Number(seqs[0]?.last) * (turn + 0.5)) / turns)
    await timed(STATUS, 'select * from postbus.deliveries() where seq = $1', [seq])
  }
  await client.end()
  await bus.close()
  return Object.fromEntries(Object.entries(times).map(([what, found]) => [what, percentile(found, 50)]))
}
