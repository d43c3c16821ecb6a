/** Measures the cost of a delivery in the database: one session calls the functions of a queue for 200 deliveries at a time. */
import { Client } from 'pg'
import { ourBest, plainBest } from '../contestants/postbus.ts'
import type { Contestant } from '../contestants/contestant.ts'
import { evenLoad } from '../load.ts'
import type { BenchDatabase, Case, Extent, Figures, Question } from '../question.ts'

const AT_ONCE = 200

export const profile: Question = {
  name: 'profile',
  asks: 'what does a delivery cost the database?',
  rounds: 3,
  notes: [
    `Of 100,000 that wait, ${AT_ONCE} at a time are claimed and settled by one session, with EXPLAIN (ANALYZE, BUFFERS, WAL). Figures are for one delivery.`,
    'Times are of the server’s process, while no other process works, without sending the rows and without the commit. Pages count if they were read, also from memory.',
    'The bare statements claim rows by an update, and settle them by deleting them. They read no event, and write no history. So they show what the rows of pg-boss cost by themselves.',
    'In the partitioned queue a settle also finds and claims the next delivery of each key; the last of a run does not.',
  ],
  cases: casesOf,
  goals: [],
}

function casesOf({ quick }: Extent): readonly Case[] {
  const load = evenLoad(quick ? 400 : 100_000, 5_000)
  const turns = quick ? 1 : 50
  const entry = (contestant: Contestant, queue: string) => ({
    contestant: 'postbus',
    configuration: `the functions of the queue ${queue}`,
    state: queue,
    prepare: ({ connectionString }: BenchDatabase) => contestant.fill(connectionString, load),
    measure: ({ connectionString }: BenchDatabase) => profiled(connectionString, queue, turns),
  })
  const bare = {
    ...entry(plainBest, 'events'),
    contestant: 'bare statements',
    configuration: 'update and delete of the rows of pg-boss',
    measure: ({ connectionString }: BenchDatabase) => bareProfile(connectionString, turns),
  }
  return [
    { name: 'plain queue', entries: [entry(plainBest, 'events'), bare] },
    { name: 'partitioned queue', entries: [entry(ourBest, 'events_partitioned')] },
  ]
}

async function profiled(connectionString: string, queue: string, turns: number): Promise<Figures> {
  const client = new Client({ connectionString })
  await client.connect()
  const inLanes = queue !== 'events'
  const steps = new Steps(client)
  for (let turn = 0; turn < turns; turn += 1) {
    await client.query('begin')
    const from = inLanes
      ? `postbus.claim_lanes_2('${queue}', ${AT_ONCE}, null, null, '', 0, null, null)`
      : `postbus.claim_2('${queue}', ${AT_ONCE}, null, null, null, null)`
    await steps.run('claim', `create temp table held on commit drop as select * from ${from} where id is not null`)
    const claims = inLanes ? `jsonb_object_agg(id, jsonb_build_object('claim', claim))` : 'array_agg(claim)'
    const done = `(select array_agg(id) from held), (select ${claims} from held), null`
    if (inLanes) {
      const next = `create temp table next on commit drop as select * from postbus.settle_lanes_2('${queue}', ${done}, '{}', 0, null)`
      await steps.run('settle and take the next', next)
      await client.query('truncate held')
      await client.query('insert into held select id, handler, claim from next where id is not null')
    }
    const last = inLanes ? `, (select array_agg(id) from held), 0, null` : ''
    await steps.run(
      'settle',
      `select * from postbus.${inLanes ? 'settle_lanes_2' : 'settle_2'}('${queue}', ${done}${last})`,
    )
    await client.query('commit')
  }
  await client.end()
  return steps.figures(turns * AT_ONCE)
}

async function bareProfile(connectionString: string, turns: number): Promise<Figures> {
  const client = new Client({ connectionString })
  await client.connect()
  const steps = new Steps(client)
  for (let turn = 0; turn < turns; turn += 1) {
    await client.query('begin')
    await steps.run(
      'claim',
      `create temp table held on commit drop as with claimed as (
        update pgboss.job_common set state = 'active', started_on = now(), heartbeat_on = clock_timestamp()
        where ctid = any(array(
          select ctid from pgboss.job_common
          where name = 'events' and state = 'created' and blocked::integer = 0 and retry_limit >= 1000000
          order by name, priority desc, created_on limit ${AT_ONCE} for update skip locked
        )) returning id
      ) select id from claimed`,
    )
    await steps.run('settle', `delete from pgboss.job_common where name = 'events' and id in (select id from held)`)
    await client.query('commit')
  }
  await client.end()
  return steps.figures(turns * AT_ONCE)
}

interface Explained {
  readonly 'QUERY PLAN': readonly [
    { readonly 'Execution Time': number; readonly Plan: Readonly<Record<string, number>> },
  ]
}

/** Adds up the cost of steps with the same name. */
class Steps {
  readonly #client: Client
  readonly #sums = new Map<string, { ms: number; pages: number; wal: number }>()

  constructor(client: Client) {
    this.#client = client
  }

  async run(step: string, statement: string): Promise<void> {
    const explain = 'explain (analyze, buffers, wal, timing off, format json)'
    const { rows } = await this.#client.query<Explained>(`${explain} ${statement}`)
    const [explained] = rows[0]?.['QUERY PLAN'] ?? []
    const { Plan: plan = {} } = explained ?? {}
    const sum = this.#sums.get(step) ?? { ms: 0, pages: 0, wal: 0 }
    sum.ms += explained?.['Execution Time'] ?? 0
    sum.pages += (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0)
    sum.wal += plan['WAL Bytes'] ?? 0
    this.#sums.set(step, sum)
  }

  figures(deliveries: number): Figures {
    const each = [...this.#sums].flatMap(([step, { ms, pages, wal }]) => [
      [`${step}: µs`, (1_000 * ms) / deliveries],
      [`${step}: pages`, pages / deliveries],
      [`${step}: bytes of WAL`, wal / deliveries],
    ])
    return Object.fromEntries(each) as Figures
  }
}
