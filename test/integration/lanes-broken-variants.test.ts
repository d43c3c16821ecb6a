/**
 * Each part of the lanes' functions prevents a failure in some schedule. Every schedule runs twice: with the intact functions, which keep
 * the order, and with one piece removed, which the checks must notice.
 */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { LaneCrew } from '../support/lane-crew.ts'
import { done, openLanes, type Lanes } from '../support/lanes.ts'
import { emptyTables } from '../support/stored.ts'
import { until } from '../support/until.ts'

const CLAIM = 'postbus.claim_lanes_2'
const SETTLE = 'postbus.settle_lanes_2'
const RECOVER = 'postbus.recover_silent'

interface Variant {
  readonly without: string
  break(lanes: Lanes): Promise<unknown>
  schedule(lanes: Lanes, crew: LaneCrew): Promise<void>
  readonly caught: RegExp
}

const variants: readonly Variant[] = [
  {
    without: 'holding the blocker while parking',
    break: ({ patch }) => patch(CLAIM, /('active'\)) for share skip locked/, '$1'),
    async schedule(lanes, crew) {
      const settling = await lanes.connect()
      await crew.publish('red', [1])
      const [first] = await crew.claim(1)
      await settling.query('begin')
      await crew.finish(1, done(first!), settling) // no delivery can be promoted yet
      await crew.publish('red', [2])
      await crew.claim(2)
      await settling.query('commit')
    },
    caught: /red: \S+ is stuck, parked/,
  },
  {
    without: 'the promotion in settle',
    break: ({ patch }) => patch(SETTLE, /update [^;]* set blocked = false[^;]*where job.ctid = any\(promoted\);/, ''),
    async schedule(_lanes, crew) {
      await crew.publish('red', [1, 2])
      const [first] = await crew.claim(1)
      await crew.finish(1, done(first!))
    },
    caught: /red: \S+ is stuck, parked/,
  },
  {
    without: 'the fence on the attempt',
    break: ({ patch }) =>
      patch(SETTLE, /and \(job\.retry_count[^\n]*?= (\(runs -> [^)]*\)::bigint|outcome\.claim|run\.claim)/g, ''),
    async schedule(lanes, crew) {
      await crew.publish('red', [1, 2])
      const [lost] = await crew.claim(1)
      crew.dies(1)
      await lanes.recover(lanes.database, [lost!.id])
      const [again] = await crew.claim(2)
      await lanes.settle(lanes.database, [done(lost!)]) // the settle was on its way when its worker died
      await crew.claim(3)
      await crew.finish(2, done(again!))
    },
    caught: /lane \S+ red: \S+ started while \S+ was running/,
  },
  {
    without: 'ids that follow the order of publishing',
    async break({ patch }) {
      // Scrambled in both directions, so that a delivery still finds its event.
      await patch('postbus.publish', 'to_hex(stored.seq)', 'to_hex(stored.seq # 1023)')
      await patch('postbus.seq_of_delivery', /RETURN (.*)/, 'RETURN ($1) # 1023')
    },
    schedule: (_lanes, crew) => crew.publish('red', [1, 2, 3, 4, 5]),
    caught: /red: turn 2 began before turn 1/,
  },
  {
    without: 'looking for what runs with a larger id',
    break: ({ patch }) => patch(CLAIM, 'coalesce(older.id, running.id)', 'older.id'),
    schedule: lateCommitBehindARun,
    caught: /duplicate key value/,
  },
  {
    without: 'looking for what runs, and without the unique index of pg-boss',
    async break({ patch, database }) {
      await patch(CLAIM, 'coalesce(older.id, running.id)', 'older.id')
      await database.query(`do $$ begin execute (
        select 'drop index pgboss.' || quote_ident(indexname) from pg_indexes
        where format('%I.%I', schemaname, tablename)::regclass = 'pgboss.job_common'::regclass
          and indexdef ilike 'create unique index%' and indexdef ~ 'active' and indexdef ~ 'singleton'::text and indexdef ~ 'policy = ''singleton'''
      ); end $$`)
    },
    schedule: lateCommitBehindARun,
    caught: /red: \S+ started while \S+ was running/,
  },
  {
    without: 'turns between claims',
    break: ({ patch }) => patch(CLAIM, /PERFORM pg_advisory_xact_lock[^;]*;/i, ''),
    async schedule(lanes, crew) {
      const [publisher, claiming] = [await lanes.connect(), await lanes.connect()]
      await publisher.query('begin')
      await lanes.publish('red', publisher)
      await lanes.publish('red')
      await claiming.query('begin')
      const [running] = await crew.claim(1, claiming)
      await publisher.query('commit') // the older delivery appears before the other claim has committed
      const claimed = crew.claim(2).catch((error: unknown) => error)
      await until('the second claim waits for the first', () => someoneWaits(lanes))
      await claiming.query('commit')
      const answer = await claimed
      if (answer instanceof Error) throw answer
      await crew.finish(1, done(running!))
    },
    caught: /duplicate key value/,
  },
  {
    without: 'the promotion in recover',
    break: ({ patch }) => patch(RECOVER, /perform [^;]*promote[^;]*;/, ''),
    async schedule(lanes, crew) {
      const publisher = await lanes.connect()
      await publisher.query('begin')
      await lanes.publish('red', publisher)
      await lanes.publish('red')
      const [running] = await crew.claim(1)
      await publisher.query('commit')
      await crew.claim(2) // parks the older delivery
      crew.dies(1)
      await lanes.recover(lanes.database, [running!.id])
    },
    caught: /red: \S+ is stuck, parked/,
  },
  {
    without: 'looking for what runs while walking from lane to lane',
    break: ({ patch }) => patch(CLAIM, 'on walked.idle', 'on true'),
    async schedule(lanes, crew) {
      const [backlog, late] = [await lanes.connect(), await lanes.connect()]
      await crew.publish('green', [1])
      const [first] = await crew.claim(1)
      await backlog.query('begin')
      for (let turn = 2; turn <= 11; turn += 1) await lanes.publish('green', backlog) // as many as a claim looks at
      await late.query('begin')
      await lanes.publish('red', late)
      await lanes.publish('red')
      const [running] = await crew.claim(1)
      await backlog.query('commit')
      await late.query('commit')
      await crew.claim(2)
      await crew.finish(1, done(running!))
      await crew.finish(1, done(first!))
    },
    caught: /duplicate key value/,
  },
  {
    without: 'judging again what was set aside',
    break: ({ patch }) => patch(CLAIM, 'coalesce(older.id, running.id)', `case when source = 'front' then $& end`),
    async schedule(lanes, crew) {
      const publisher = await lanes.connect()
      await publisher.query('begin')
      await lanes.publish('red', publisher)
      await lanes.publish('red')
      await crew.claim(1, lanes.database, 0) // sets the younger delivery aside
      await publisher.query('commit')
      await crew.claim(1, lanes.database, 0) // sets the older delivery aside too
      const [older] = await crew.claim(1, lanes.database, 1)
      await crew.claim(2, lanes.database, 1)
      await crew.finish(1, done(older!))
    },
    caught: /duplicate key value/,
  },
]

/** The older event commits while the delivery of the younger event runs. */
async function lateCommitBehindARun(lanes: Lanes, crew: LaneCrew): Promise<void> {
  const publisher = await lanes.connect()
  await publisher.query('begin')
  await lanes.publish('red', publisher)
  await lanes.publish('red')
  const [running] = await crew.claim(1)
  await publisher.query('commit')
  const late = await crew.claim(2)
  for (const delivery of late) await crew.finish(2, done(delivery))
  await crew.finish(1, done(running!))
}

let intact: Lanes

beforeAll(async () => {
  intact = await openLanes()
})

afterAll(() => intact.close())

test.each(variants)('with $without, the order holds', async ({ schedule }) => {
  await emptyTables(intact.database)
  const crew = new LaneCrew(intact)

  await schedule(intact, crew)
  await crew.drain()

  expect(await crew.problems()).toEqual([])
})

test.each(variants)(
  'without $without the order is broken, and the checks notice it',
  async ({ break: broken, schedule, caught }) => {
    const { lanes, crew } = await anEmptyQueue()
    await broken(lanes)

    const error = await schedule(lanes, crew)
      .then(() => crew.drain())
      .catch((reason: unknown) => reason)

    const problems = [...(error instanceof Error ? [error.message] : []), ...(await crew.problems())]
    expect(problems).toEqual(expect.arrayContaining([expect.stringMatching(caught)]))
  },
)

test('a patch whose piece is not in the function is refused, so no variant is intact by mistake', async () => {
  const { lanes } = await anEmptyQueue()

  await expect(lanes.patch(CLAIM, 'no such piece', '')).rejects.toThrow('cannot be broken there')
})

async function anEmptyQueue(): Promise<{ lanes: Lanes; crew: LaneCrew }> {
  const lanes = await openLanes()
  onTestFinished(() => lanes.close())
  return { lanes, crew: new LaneCrew(lanes) }
}

async function someoneWaits({ database }: Lanes): Promise<boolean> {
  const { rowCount } = await database.query(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return (rowCount ?? 0) > 0
}
