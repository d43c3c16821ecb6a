/** Done deliveries are history: a narrow row for each delivery, in a ring of tables that are emptied as a whole. */
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'
import { historyIn } from '../support/history.ts'
import { settleAll } from '../support/settle-all.ts'

let opened: TestBus
const clients: Client[] = []

beforeAll(async () => {
  const failing = handlerThat((n, { attempt }) => {
    if (n === 13 && attempt < 3) throw new Error(`attempt ${attempt} went wrong`)
  })
  opened = await openTestBus({ handlers: [failing, handlerThat(() => undefined, { name: 'notes.mail' })] })
})

beforeEach(async () => {
  await emptyTables(opened.database)
  await opened.database.query(`
    update postbus.history_turn set number = 0, began_at = now();
    update postbus.history_table set is_empty = true, ended_at = null, last_seq = 0, moved_to = 0;
    update postbus.pruning set after_seq = 0, pruned_at = now(), began_at = now()`)
})

afterEach(() => Promise.all(clients.splice(0).map((client) => client.end())))

afterAll(() => opened.close())

describe('a delivery that is done', () => {
  test('leaves the jobs, and is one row with its time, duration, handler and attempt', async () => {
    await opened.bus.publish([NoteTaken({ n: 1 }), NoteTaken({ n: 2, key: 'red' })])

    await opened.bus.worker().drain()

    expect(await jobs()).toEqual([])
    const rows = await historyIn(opened.database)
    expect(rows).toHaveLength(4)
    expect(rows.map(({ handler }) => handler).toSorted()).toEqual([
      'notes.mail',
      'notes.mail',
      'notes.take',
      'notes.take',
    ])
    for (const row of rows) {
      expect(row).toMatchObject({ attempts: null, outcome: null, detail: null })
      expect(row.took_ms).toBeGreaterThanOrEqual(0)
      expect(Math.abs(Date.now() - row.ended_at.getTime())).toBeLessThan(60_000)
    }
  })

  test('keeps the complete errors of earlier attempts', async () => {
    await opened.bus.publish(NoteTaken({ n: 13, key: 'red' }))

    await drainWithRetries()

    const [row] = (await historyIn(opened.database)).filter(({ handler }) => handler === 'notes.take')
    expect(row).toMatchObject({ attempts: 3, outcome: null })
    expect(row?.detail?.errors).toMatchObject([
      { attempt: 1, message: 'attempt 1 went wrong', stack: expect.stringContaining('history.test') as unknown },
      { attempt: 2, message: 'attempt 2 went wrong' },
    ])
  })

  test('takes 52 bytes in a table and 23 in an index', async () => {
    await opened.database.query(`insert into postbus.history (seq, ended_at, took_ms, turn, handler)
      select n, now(), 1, 0, 1 from generate_series(1, 20000) n`)

    const { rows } = await opened.database.query<{ heap: number; all: number }>(
      `select pg_relation_size('postbus.history_0') / 20000.0 as heap, pg_total_relation_size('postbus.history_0') / 20000.0 as all`,
    )
    expect(Number(rows[0]?.heap)).toBeLessThan(54)
    expect(Number(rows[0]?.all)).toBeLessThan(100)
  })

  test('has one number for its handler, even if several processes meet a new handler at the same time', async () => {
    const numbers = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const client = await connect()
        const { rows } = await client.query<{ number: number }>(`select postbus.handler_number('notes.new') as number`)
        return rows[0]?.number
      }),
    )

    expect(new Set(numbers).size).toBe(1)
  })
})

const ROUNDS = 40

describe('the ring', () => {
  test('moves to the next table after a twelfth of the retention, and settles write there', async () => {
    await settleOne()
    await hoursPass(1)
    await turn('12 hours')
    await settleOne()

    expect(await tables()).toEqual([0, 1])
    await turn('12 hours')
    expect(await turnOf()).toBe(1)
  })

  test('empties a table when all of it is older than the retention, and uses it again in the next round', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      await settleOne()
      await pruneAll('12 hours')
      await hoursPass(1.1)
    }

    expect(await turnOf()).toBe((ROUNDS - 1) % 16)
    const held = await tables()
    expect(held.length).toBeLessThanOrEqual(14)
    expect(
      await opened.database.query('select from postbus.event').then(({ rowCount }) => rowCount),
    ).toBeLessThanOrEqual(13)
  })

  test('moves rows that an event still needs before it empties a table', async () => {
    await settleOne()
    await opened.bus.publish(NoteTaken({ n: 1, key: 'kept' }))
    await settle('notes.mail')
    const before = (await historyIn(opened.database)).slice(2)

    await turnAfter('12 hours', 2)
    await hoursPass(24)
    for (let turns = 0; turns < 4; turns += 1) await pruneAll('12 hours')

    const after = await historyIn(opened.database)
    expect(await tables()).not.toContain(0)
    expect(after).toEqual(
      before.map((row) => ({ ...row, ended_at: expect.any(Date) as unknown, turn: after[0]?.turn })),
    )
    expect(await jobs()).toEqual(['notes.take'])
  })

  test('does not wait for a reader, and makes no settle wait for one', async () => {
    await settleOne()
    await turnAfter('12 hours', 2)
    await hoursPass(24)
    const reader = await connect()
    await reader.query('begin')
    await reader.query('select count(*) from postbus.history')

    const settling = await connect()
    await settling.query(`set lock_timeout = '50ms'`)
    const turning = Promise.all([pruneAll('12 hours'), turn('12 hours')])
    for (let n = 0; n < 20; n += 1) await settleOne(settling)
    await turning
    expect(await tables()).toContain(0)

    await reader.query('commit')
    await turn('12 hours')
    expect(await tables()).not.toContain(0)
  })

  test('stays in the same table while the next one is not empty', async () => {
    await opened.database.query('update postbus.history_table set is_empty = false')

    await turnAfter('12 hours', 2)
    await settleOne()

    expect(await tables()).toEqual([0])
  })

  test('works without a worker’s right to create or empty tables', async () => {
    await opened.database.query(`
      create role worker_only login password 'x';
      grant usage on schema postbus, pgboss to worker_only;
      grant select, insert, update, delete on all tables in schema postbus, pgboss to worker_only;
      grant usage on all sequences in schema postbus to worker_only`)
    try {
      await settleOne()
      await turnAfter('12 hours', 2)
      await hoursPass(24)
      await opened.database.query(`set role worker_only; select postbus.prune('12 hours', 1000, '0', '0');
        select postbus.turn_history('12 hours'); reset role`)

      expect(await tables()).not.toContain(0)
    } finally {
      await opened.database.query('drop owned by worker_only; drop role worker_only')
    }
  })
})

async function jobs(): Promise<readonly string[]> {
  const { rows } = await opened.database.query<{ handler: string }>(
    `select data ->> 'handler' as handler from pgboss.job order by id`,
  )
  return rows.map(({ handler }) => handler)
}

async function tables(): Promise<readonly number[]> {
  const { rows } = await opened.database.query<{ turn: number }>('select distinct turn from postbus.history order by 1')
  return rows.map(({ turn: number }) => number)
}

async function turnOf(): Promise<number | undefined> {
  const { rows } = await opened.database.query<{ number: number }>('select number from postbus.history_turn')
  return rows[0]?.number
}

async function connect(): Promise<Client> {
  const client = new Client({ connectionString: opened.connectionString })
  client.on('error', () => undefined)
  clients.push(client)
  await client.connect()
  return client
}

/** Publishes an event and settles both of its deliveries. */
async function settleOne(over: Pick<Client, 'query'> = opened.database): Promise<void> {
  await opened.bus.publish(NoteTaken({ n: 1 }))
  await settleAll(over, 'true')
}

const settle = (handler: string) => settleAll(opened.database, `job.data ->> 'handler' = '${handler}'`)

async function drainWithRetries(): Promise<void> {
  for (let round = 0; round < 5; round += 1) {
    await opened.bus.worker().drain()
    await opened.database.query(`update pgboss.job set start_after = now() where state = 'retry'`)
  }
}

async function turn(retention: string): Promise<void> {
  await opened.database.query('select postbus.turn_history($1)', [retention])
}

/** Moves the turn as if this many hours had passed. */
async function turnAfter(retention: string, hours: number): Promise<void> {
  await hoursPass(hours)
  await turn(retention)
}

async function pruneAll(retention: string): Promise<void> {
  await opened.database.query(`select postbus.prune($1, 1000, '0', '1 hour')`, [retention])
  await turn(retention)
}

async function hoursPass(hours: number): Promise<void> {
  const earlier = (column: string) => `${column} = ${column} - interval '${hours} hours'`
  await opened.database.query(`
    update postbus.event set ${earlier('published_at')};
    update postbus.history set ${earlier('ended_at')};
    update postbus.history_table set ${earlier('ended_at')};
    update postbus.history_turn set ${earlier('began_at')}`)
}
