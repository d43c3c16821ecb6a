/** The doctor never counts without a limit: beyond it the report says "more than", and names the number of rows that it looked at. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { book, LETTERS, writeDeadLetters } from '../support/many-dead-letters.ts'
import { emptyTables } from '../support/stored.ts'

let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers: [book] })
})

afterAll(() => shop.close())

beforeEach(() => emptyTables(shop.database))

test('up to 10,000 dead letters are counted', async () => {
  await writeDeadLetters(shop.database, { ...LETTERS, count: 9_999 })

  expect(await finding('dead letters')).toMatchObject({ message: expect.stringMatching(/^9,999\. Look/) as unknown })
})

test('beyond that it reports more than 10,000 dead letters, and at least how many of them block a key', async () => {
  await writeDeadLetters(shop.database, { ...LETTERS, count: 12_000, keys: 12_000 })
  await shop.database.query(`update postbus.dead_letter set blocks_key = true`)

  expect(await finding('dead letters')).toMatchObject({
    status: 'warning',
    message: expect.stringMatching(
      /^more than 10,000, at least 10,000 of which hold up their partition key\. Look/,
    ) as unknown,
  })
})

test('of more than 100,000 waiting deliveries it looks at 100,000, and says so', async () => {
  await shop.database.query(
    `insert into pgboss.job (name, data, retry_limit) select 'events', jsonb_build_object('handler', 'finances.book'), 1000000
    from generate_series(1, 100001)`,
  )

  expect(await finding('handlers')).toEqual({
    check: 'handlers',
    status: 'ok',
    message: '1 registered; every waiting delivery has one, of the 100,000 that were looked at',
  })
})

test('the doctor does not read the history', async () => {
  const other = await shop.database.connect()
  await other.query('begin; lock table postbus.history in access exclusive mode')

  const findings = await shop.bus.doctor() // reading the history would wait for the lock
  await other.query('rollback')
  other.release()

  expect(findings.map(({ check }) => check)).toContain('clock')
})

async function finding(wanted: string) {
  return (await shop.bus.doctor()).find(({ check }) => check === wanted)
}
