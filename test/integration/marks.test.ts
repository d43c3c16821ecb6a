/**
 * A claim that begins at a mark passes over no delivery: each way in which a delivery can appear late is a schedule here, for both kinds of
 * queue. Each possible fault of the marks makes one of the schedules fail.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openMarks, type Kind, type Marks } from '../support/marked-claims.ts'

let marks: Marks

/** Each schedule ends with a claim that must find one delivery. */
const schedules = {
  async 'a publisher holds the newest id while the bound is taken'({ worker, publish, connect }: Marks) {
    const publisher = await connect()
    await publisher.query('begin')
    await publish(publisher)
    const claims = await worker()
    await claims.claim(3)
    await publisher.query('commit')
    return claims.claim()
  },

  async 'a publisher has begun long before it writes'({ worker, publish, connect, someoneWrites }: Marks) {
    const publisher = await connect()
    const claims = await worker()
    await publisher.query('begin')
    await publisher.query('select 1')
    await claims.claim()
    await someoneWrites()
    await claims.claim(2)
    await publish(publisher)
    await publisher.query('commit')
    return claims.claim()
  },

  async 'a publisher has its id early, and publishes in a savepoint'({ worker, publish, connect }: Marks) {
    const publisher = await connect()
    const claims = await worker()
    await publisher.query('begin')
    await publisher.query('select pg_current_xact_id()')
    await claims.claim()
    await publisher.query('savepoint one')
    await publish(publisher)
    await publisher.query('release one')
    await claims.claim(3)
    await publisher.query('commit')
    return claims.claim()
  },

  async 'a claim that holds the delivery is rolled back'({ worker, publish }: Marks) {
    const [one, other] = [await worker(), await worker()]
    await publish()
    await one.client.query('begin')
    await one.client.query(`set local lock_timeout = '1s'`)
    await one.claim()
    await one.client.query('savepoint taken') // claims of lanes take turns: the other claim gets the turn, but not the row
    await one.client.query('rollback')
    await other.claim()
    return (await one.claim()) + other.claimed.length
  },

  async 'an open settle returns a delivery'({ worker, publish, settle, connect }: Marks) {
    const [one, other] = [await worker(), await worker()]
    const settler = await connect()
    await publish()
    await one.claim()
    await settler.query('begin')
    await other.claim()
    await settle(settler, { claimed: one.claimed, outcome: 'retry' })
    await other.claim(3)
    await settler.query('commit')
    return other.claim()
  },

  async 'a claim inside a transaction that has an id already'({ worker, publish, connect }: Marks) {
    const publisher = await connect()
    const claims = await worker()
    await claims.client.query('begin')
    await claims.client.query('select pg_current_xact_id()')
    await publisher.query('begin')
    await publish(publisher)
    await claims.claim()
    await claims.client.query('commit')
    await claims.claim(2)
    await publisher.query('commit')
    return claims.claim()
  },

  async 'a crash of the server undoes a claim, below marks that are kept'({ worker, publish, database }: Marks) {
    const claims = await worker()
    await publish()
    await claims.claim()
    await claims.claim(2)
    await database.query(`update pgboss.job set state = 'created', started_on = null, heartbeat_on = null`)
    await database.query('truncate postbus.server_life') // as after a crash
    return claims.claim()
  },

  async 'the clock of the server steps back'({ worker, publish, database }: Marks) {
    const claims = await worker()
    await claims.claim(3)
    claims.marks = claims.marks.replace(/"seenAt": "\d+/, '"seenAt": "9999')
    await publish()
    await database.query(`update pgboss.job set created_on = created_on - interval '1 h'`)
    return claims.claim()
  },
} as const

type Schedule = keyof typeof schedules
const kinds: readonly Kind[] = ['plain', 'in lanes']

const broken: readonly { without: string; schedule: Schedule; break(marks: Marks): Promise<void> }[] = [
  {
    without: 'waiting for older transactions',
    schedule: 'a publisher holds the newest id while the bound is taken',
    break: (them) => them.break('pg_snapshot_xmin(pg_current_snapshot()) >= bound_id', 'true'),
  },
  {
    without: 'the oldest running id: the end of the snapshot instead',
    schedule: 'a publisher holds the newest id while the bound is taken',
    break: (them) =>
      them.break(
        'pg_snapshot_xmin(pg_current_snapshot()) >= bound_id',
        'pg_snapshot_xmax(pg_current_snapshot()) >= bound_id',
      ),
  },
  {
    without: 'the clock at the insert: the start of the transaction instead',
    schedule: 'a publisher has begun long before it writes',
    break: (them) => them.breakPublish(/\(clock_timestamp\(\) \+ \("pgboss"\.job_now\(\) - now\(\)\)\)/g, 'now()'),
  },
  {
    without: 'a bound of its own only where it had no id before',
    schedule: 'a claim inside a transaction that has an id already',
    break: (them) => them.break('if is_own and bound_at', 'if bound_at'),
  },
  {
    without: 'asking whether the server has crashed',
    schedule: 'a crash of the server undoes a claim, below marks that are kept',
    break: (them) => them.break(`(marks ->> 'life')::uuid = life`, 'true'),
  },
  {
    without: 'asking whether the clock went back',
    schedule: 'the clock of the server steps back',
    break: (them) => them.break(`and (marks ->> 'seenAt')::timestamptz <= began`, ''),
  },
]

describe.each(kinds)('%s', (kind) => {
  beforeAll(async () => {
    marks = await openMarks(kind)
  })
  beforeEach(() => marks.empty())
  afterEach(() => marks.tidy())
  afterAll(() => marks.close())

  test.each(Object.keys(schedules) as Schedule[])('nothing is passed over when %s', async (schedule) => {
    expect(await schedules[schedule](marks)).toBe(1)
  })

  test.each(broken)('without $without, a delivery is passed over', async ({ schedule, break: breakIt }) => {
    await breakIt(marks)

    expect(await schedules[schedule](marks)).toBe(0)
  })

  test('a claim with marks does not read finished deliveries, under any open snapshot', async () => {
    const { worker, publish, connect, database } = marks
    const reader = await connect()
    await reader.query('begin isolation level repeatable read')
    await reader.query('select count(*) from pgboss.job')
    const claims = await worker()
    for (let turn = 0; turn < 40; turn += 1) {
      await Promise.all(Array.from({ length: 25 }, () => publish()))
      await claims.claim(3)
      await database.query('delete from pgboss.job')
    }

    const ofNothing = await claims.blocks()
    await publish()
    const ofOne = await claims.blocks()
    claims.free = 1
    await Promise.all([publish(), publish(), publish()])
    await claims.claim() // one, and sets the others aside
    await claims.blocks() // plans are made
    const ofSetAside = await claims.blocks()
    claims.free = null
    claims.marks = '{}'
    const withoutMarks = await claims.blocks()

    expect(ofNothing).toBeLessThan(150)
    expect(ofOne).toBeLessThan(300)
    expect(ofSetAside).toBeLessThan(300)
    expect(withoutMarks).toBeGreaterThan(2 * ofNothing)
  })
})
