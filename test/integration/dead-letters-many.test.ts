/** An operator's act on many dead letters runs in batches, each a short transaction, and keeps the order of each key. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createBus, defineHandler } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { postbus } from '../support/cli.ts'
import { book, LETTERS, Paid, writeDeadLetters } from '../support/many-dead-letters.ts'
import { emptyTables } from '../support/stored.ts'
import { until } from '../support/until.ts'

let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers: [book] })
})

afterAll(() => shop.close())

beforeEach(() => emptyTables(shop.database))

test.each(['retry', 'dismiss'] as const)(
  '%s reports its progress after each batch, and returns the total',
  async (act) => {
    await writeDeadLetters(shop.database, { ...LETTERS, count: 4_500 })
    const progress: number[] = []

    const report = await shop.bus.deadLetters[act]({ all: true }, { onProgress: (count) => progress.push(count) })

    expect(report).toEqual({ count: 4_500 })
    expect(progress).toEqual([1_000, 2_000, 3_000, 4_000, 4_500])
    expect(await shop.bus.deadLetters.count()).toBe(0)
  },
)

test('an interrupted act keeps its finished batches, and the next call continues with the rest', async () => {
  await writeDeadLetters(shop.database, { ...LETTERS, count: 4_500 })
  const interrupted = shop.bus.deadLetters.retry(
    { handler: 'finances.book' },
    {
      onProgress(count) {
        if (count === 2_000) throw new Error('Ctrl-C')
      },
    },
  )

  await expect(interrupted).rejects.toThrow('Ctrl-C')
  expect(await shop.bus.deadLetters.count()).toBe(2_500)
  expect(await shop.bus.deadLetters.retry({ all: true })).toEqual({ count: 2_500 })
})

test('a limit takes the oldest events, and the next call takes the next ones', async () => {
  await writeDeadLetters(shop.database, { ...LETTERS, count: 2_500 })

  const first = await shop.bus.deadLetters.retry({ all: true }, { limit: 1_100 })
  const oldest = await waiting()
  const second = await shop.bus.deadLetters.retry({ all: true }, { limit: 10_000 })

  expect([first.count, second.count]).toEqual([1_100, 1_400])
  expect(oldest).toEqual(Array.from({ length: 1_100 }, (_, n) => n + 1))
})

test('a limit also counts dead letters that block their key', async () => {
  await writeDeadLetters(shop.database, { ...LETTERS, count: 4, keys: 4 })
  await shop.database.query(`
    update postbus.dead_letter set blocks_key = true where partition_key in ('key1', 'key2');
    update pgboss.job set state = 'retry', start_after = 'infinity' where singleton_key ~ 'key[12]'`)

  const counts = []
  for (const limit of [3, 3]) counts.push((await shop.bus.deadLetters.retry({ all: true }, { limit })).count)

  expect(counts).toEqual([3, 1])
})

test.each([{ limit: 0 }, { limit: 1.5 }, { limit: undefined }, { onProgress: 'often' }, { limits: 5 }])(
  '%j is refused before any SQL',
  async (options) => {
    await expect(shop.bus.deadLetters.retry({ all: true }, options as never)).rejects.toMatchObject({
      code: 'POSTBUS_INVALID_OPTIONS',
    })
  },
)

test('events of one key run in order while thousands are put back, in any order of their deaths', async () => {
  const ran = new Map<string, number[]>()
  const noting = defineHandler('finances.book', {
    on: Paid,
    handle: (event) => void ran.set(event.partitionKey!, [...(ran.get(event.partitionKey!) ?? []), event.data.n]),
  })
  const bus = createBus({ connectionString: shop.connectionString, handlers: [noting], onSignal: () => undefined })
  await writeDeadLetters(shop.database, { ...LETTERS, count: 3_500, keys: 5 })
  const worker = bus.worker({ pollMs: 100 })
  await worker.start()

  await bus.deadLetters.retry({ all: true })
  await until('all have run', () => worker.counts().done === 3_500, 60_000)
  await worker.stop()
  await bus.close()

  for (const [key, numbers] of ran) expect(numbers, key).toEqual(numbers.toSorted((a, b) => a - b))
  expect(ran.size).toBe(5)
})

test('one act does not put back a delivery a second time if it dies again at once', async () => {
  let attempts = 0
  const failing = defineHandler('finances.book', {
    on: Paid,
    maxAttempts: 1,
    handle() {
      attempts += 1
      throw new Error('still no money')
    },
  })
  const bus = createBus({ connectionString: shop.connectionString, handlers: [failing], onSignal: () => undefined })
  await writeDeadLetters(shop.database, { ...LETTERS, count: 2_500 })
  const worker = bus.worker({ pollMs: 100 })
  await worker.start()

  const report = await bus.deadLetters.retry({ all: true })
  await until('all have died again', () => worker.counts().dead === 2_500, 60_000)
  await worker.stop()
  await bus.close()

  expect(report.count).toBe(2_500)
  expect(attempts).toBe(2_500)
})

test('postbus dead retry --limit puts back that many, and reports its progress', async () => {
  await writeDeadLetters(shop.database, { ...LETTERS, count: 11_500 })

  const some = await postbus(shop.connectionString, ['dead', 'retry', '--all', '--yes', '--limit', '10500'])
  const rest = await postbus(shop.connectionString, ['dead', 'retry', '--all', '--yes', '--json'])
  const wrong = await postbus(shop.connectionString, ['dead', 'retry', '--all', '--yes', '--limit', 'many'])

  expect(some).toMatchObject({ code: 0, out: '' })
  expect(some.err).toContain('… 10,000 of 10,500')
  expect(some.err).toContain('10,500 dead letters put back into the queue.')
  expect(rest.json()).toEqual([{ action: 'retry', count: 1_000 }])
  expect(wrong).toMatchObject({ code: 2 })
})

async function waiting(): Promise<number[]> {
  const { rows } = await shop.database.query<{ n: number }>(
    `select (payload -> 'json' ->> 'n')::integer as n from pgboss.job
    join postbus.event on seq = postbus.seq_of_delivery(job.id) where state = 'retry' order by 1`,
  )
  return rows.map(({ n }) => n)
}
