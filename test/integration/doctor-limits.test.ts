/** The doctor does not count what is without limit: it says "more than", and of how many rows it speaks. */
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

test('of more dead letters it says that there are more than 10,000, and at least how many hold up their key', async () => {
  await writeDeadLetters(shop.database, { ...LETTERS, count: 12_000, keys: 12_000 })
  await shop.database.query(`update postbus.dead_letter set blocks_key = true`)

  expect(await finding('dead letters')).toMatchObject({
    status: 'warning',
    message: expect.stringMatching(
      /^more than 10,000, at least 10,000 of which hold up their partition key\. Look/,
    ) as unknown,
  })
})

test('of more than 100,000 waiting deliveries it looks at so many, and says so', async () => {
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

test('it does not read the history', async () => {
  const other = await shop.database.connect()
  await other.query('begin; lock table postbus.history in access exclusive mode')

  const findings = await shop.bus.doctor() // it would wait
  await other.query('rollback')
  other.release()

  expect(findings.map(({ check }) => check)).toContain('clock')
})

async function finding(wanted: string) {
  return (await shop.bus.doctor()).find(({ check }) => check === wanted)
}
