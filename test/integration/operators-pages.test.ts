/** An operator's lists come in pages: no page skips or repeats a row, and an invalid query is refused before any SQL. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DeadLetterPage, LanePage } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'

const fails = () => {
  throw new Error('out of ink')
}
const IN_AN_HOUR = { initialMs: 3_600_000, factor: 1, jitter: 0 }
const handlers = [
  handlerThat(fails, { name: 'notes.block', onDead: 'block', maxAttempts: 1 }),
  handlerThat(fails, { name: 'notes.retry', queue: 'mail', backoff: IN_AN_HOUR }),
]
const KEYS = ['a', 'b', 'c', 'd', 'e']
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({ handlers })
})

afterAll(() => opened.close())

beforeEach(async () => {
  await emptyTables(opened.database)
  await opened.bus.publish(KEYS.map((key, index) => NoteTaken({ n: index + 1, key })))
  await drained(opened.bus)
})

type Lists = 'deadLetters' | 'lanes'

/** Returns the delivery ids of each page, in order. Calls `between` after each page. */
async function pagesOf(list: Lists, limit: number, between: () => Promise<unknown> = async () => undefined) {
  const pages: string[][] = []
  let cursor: string | null = null
  do {
    const page: DeadLetterPage | LanePage = await opened.bus[list].list({ limit, cursor })
    const rows = 'lanes' in page ? page.lanes : page.deadLetters
    pages.push(rows.map(({ deliveryId }) => deliveryId))
    cursor = page.cursor
    await between()
    if (pages.length > 20) throw new Error('The pages have no end.')
  } while (cursor !== null)
  return pages
}

describe.each(['deadLetters', 'lanes'] as const)('%s', (list) => {
  const rows = list === 'lanes' ? 10 : 5

  test.each([1, 2, 3, 4, rows, rows + 1])('in pages of %i are the whole list, in its order', async (limit) => {
    const [whole] = await pagesOf(list, 100)

    const pages = await pagesOf(list, limit)

    expect(whole).toHaveLength(rows)
    expect(pages.flat()).toEqual(whole)
    expect(pages).toHaveLength(Math.ceil(rows / limit))
  })

  test('of the same moment, or a microsecond apart, are neither skipped nor repeated', async () => {
    await opened.database.query(`
      update postbus.dead_letter set died_at = timestamptz '2026-01-01 00:00:00.123456+00' + case when random() < 0.5
        then interval '0' else interval '1 microsecond' end`)
    await opened.database.query(`update postbus.event set published_at = '2026-01-01 00:00:00.000001+00'`)
    const [whole] = await pagesOf(list, 100)

    const pages = await pagesOf(list, 2)

    expect(pages.flat()).toEqual(whole)
    expect(new Set(whole).size).toBe(rows)
  })

  test('that are removed between two pages do not shift the others', async () => {
    const [whole = []] = await pagesOf(list, 100)

    const pages = await pagesOf(list, 2, () => opened.bus.deadLetters.dismiss({ deliveryIds: [whole[1] ?? ''] }))

    const seen = pages.flat().filter((id) => whole.includes(id))
    expect(seen).toEqual(whole)
  })

  test.each([
    ['what is not a cursor', 'abc'],
    ['nothing', ''],
    ['a place that was changed', Buffer.from(`${list} 0 1e9 not-an-id`).toString('base64url')],
  ])('refuse %s as a cursor', async (_, cursor) => {
    await expect(opened.bus[list].list({ cursor })).rejects.toMatchObject({
      code: 'POSTBUS_INVALID_OPTIONS',
      message: expect.stringContaining('Pass the `cursor` of the page before') as unknown,
    })
  })

  test('refuse the cursor of another list', async () => {
    const other = list === 'lanes' ? 'deadLetters' : 'lanes'
    const { cursor } = await opened.bus[other].list({ limit: 1 })

    await expect(opened.bus[list].list({ cursor })).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
  })

  test.each([
    { limit: 0 },
    { limit: 10_001 },
    { limit: 1.5 },
    { handler: undefined },
    { handler: 'Not a name' },
    { handlr: 'x' },
    null,
  ])('refuse the query %j', async (query) => {
    await expect(opened.bus[list].list(query as never)).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
  })
})

test('lanes of two queues are listed together: blocked ones first, then by how long they have waited', async () => {
  const pages = await pagesOf('lanes', 3)

  const { lanes } = await opened.bus.lanes.list()
  expect(lanes.map(({ state, partitionKey }) => [state, partitionKey])).toEqual([
    ...KEYS.map((key) => ['blocked', key]),
    ...KEYS.map((key) => ['retrying', key]),
  ])
  expect(pages.map((page) => page.length)).toEqual([3, 3, 3, 1])
})

describe('an act', () => {
  const nothing = [{}, undefined, null, { all: false }, { handler: undefined }, { all: true, handler: 'notes.block' }]
  const misspelled = [{ handlr: 'notes.block' }, { deliveryIds: ['7'] }, { eventType: '' }, { handler: 7 }]

  test.each(['retry', 'dismiss'] as const)('%s touches nothing unless its filter names something', async (act) => {
    for (const which of [...nothing, ...misspelled]) {
      await expect(opened.bus.deadLetters[act](which as never)).rejects.toMatchObject({
        code: 'POSTBUS_INVALID_OPTIONS',
      })
    }

    expect(await opened.bus.deadLetters.count()).toBe(KEYS.length)
  })

  test('for an empty list of delivery ids touches none, and for { all: true } all', async () => {
    expect(await opened.bus.deadLetters.dismiss({ deliveryIds: [] })).toEqual({ count: 0 })
    expect(await opened.bus.deadLetters.dismiss({ all: true })).toEqual({ count: KEYS.length })
  })

  test.each([{ by: '' }, { by: 7 }, { reason: 'a\u0000b' }, { reason: '\ud800' }, { who: 'ada' }, 'ada'])(
    'is refused with the options %j',
    async (how) => {
      const lane = { handler: 'notes.block', partitionKey: 'a' }
      const refused = { code: 'POSTBUS_INVALID_OPTIONS' }

      await expect(opened.bus.deadLetters.dismiss({ all: true }, how as never)).rejects.toMatchObject(refused)
      await expect(opened.bus.lanes.skipHead(lane, how as never)).rejects.toMatchObject(refused)
      expect(await opened.bus.deadLetters.count()).toBe(KEYS.length)
    },
  )

  test.each([
    [{}, 'skipped by an operator'],
    [{ by: 'ada' }, 'skipped by ada'],
    [{ by: 'ada', reason: 'cancelled by phone' }, 'skipped by ada: cancelled by phone'],
  ])('on a lane’s head with %j leaves a dead letter that says so', async (how, reason) => {
    await opened.bus.lanes.skipHead({ handler: 'notes.retry', partitionKey: 'a' }, how)

    const { deadLetters } = await opened.bus.deadLetters.list({ handler: 'notes.retry' })
    expect(deadLetters.map((letter) => letter.reason)).toEqual([reason])
  })

  test.each([{ handler: 'notes.block' }, { handler: 'notes.block', partitionKey: undefined }, {}, undefined])(
    'on %j is refused, because that names no lane',
    async (lane) => {
      await expect(opened.bus.lanes.skipHead(lane as never)).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
      await expect(opened.bus.lanes.show(lane as never)).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
    },
  )
})

test('count takes the same filters, and refuses misspelled ones', async () => {
  expect(await opened.bus.deadLetters.count({ handler: 'notes.retry' })).toBe(0)
  for (const filter of [{ handler: undefined }, { handlr: 'x' }, { limit: 1 }]) {
    await expect(opened.bus.deadLetters.count(filter as never)).rejects.toMatchObject({
      code: 'POSTBUS_INVALID_OPTIONS',
    })
  }
})
