/** A batch of a replay or a backfill finds its deliveries by their ids, however many others wait. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'

const RUNNER = '00000000-0000-0000-0000-000000000001'
const BATCH = `'notes.other', '0123456789abcdef', 'events', 0, '${RUNNER}', 0, 500, array(select seq from postbus.event order by seq limit 500)`
let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers: [handlerThat(() => undefined)] })
  await publishMany()
  // The statistics date from a time when the table was equally large and nearly all deliveries had been handled.
  await shop.database.query(
    `update pg_class set reltuples = 170, relpages = pg_relation_size(oid) / 8192 where relname like 'job_common%'`,
  )
})

afterAll(() => shop.close())

async function publishMany(): Promise<void> {
  for (let n = 0; n < 15; n += 1) {
    await shop.bus.publish(Array.from({ length: 1_000 }, (_, i) => NoteTaken({ n: i, key: `key ${i}` })))
  }
}

test.each([
  [
    'backfill',
    `insert into postbus.backfill (handler, since, runner) values ('notes.other', now(), '${RUNNER}')`,
    `select * from postbus.backfill_batch(${BATCH}, true)`,
  ],
  [
    'replay',
    `insert into postbus.replay (id, handler, query, to_seq, matching, runner) values ('${RUNNER}', 'notes.other', '{}', 500, 500, '${RUNNER}')`,
    `select * from postbus.replay_batch('${RUNNER}', ${BATCH}, 500)`,
  ],
])('a batch of a %s takes no longer when many deliveries wait', async (_, prepare, batch) => {
  const withMany = await msOf(prepare, batch)
  const withFew = await msOf(`${prepare}; delete from pgboss.job`, batch)

  expect(withMany).toBeLessThan(5 * withFew + 50)
})

/** The faster of two runs on one connection, because the first one also plans. */
async function msOf(prepare: string, batch: string): Promise<number> {
  const client = await shop.database.connect()
  try {
    const times: number[] = []
    for (let turn = 0; turn < 2; turn += 1) {
      await client.query(`begin; ${prepare}`)
      const began = performance.now()
      await client.query(batch)
      times.push(performance.now() - began)
      await client.query('rollback')
    }
    return Math.min(...times)
  } finally {
    client.release()
  }
}
