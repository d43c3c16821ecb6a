/** `bus.lanes.retryAll`: one bug has blocked many keys, and one command gets all of them going again. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { postbusHere as postbus } from '../support/cli.ts'
import { drained } from '../support/drained.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'

const KEYS = 100
const PER_KEY = 10
const STORE_DOWN = Object.assign(new Error('the store is down'), { code: 'ESTORE' })

let isBroken = true
const runs = new Map<string, number[]>()
const handlers = [
  handlerThat(
    (n) => {
      if (isBroken) throw n % 2 === 0 ? STORE_DOWN : new TypeError('no such shelf')
      const key = String(Math.floor(n / PER_KEY))
      runs.set(key, [...(runs.get(key) ?? []), n])
    },
    { name: 'notes.block', onDead: 'block', maxAttempts: 1 },
  ),
]
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({ handlers })
})

afterAll(() => opened.close())

beforeEach(async () => {
  await emptyTables(opened.database)
  isBroken = true
  runs.clear()
})

test('retries 100 blocked lanes with 10 deliveries each, in order, and leaves nothing behind', async () => {
  await blocked(KEYS, PER_KEY)
  isBroken = false

  const preview = await opened.bus.lanes.retryAll({ handler: 'notes.block' }, { preview: true })
  const untouched = await opened.bus.deadLetters.count()
  const report = await opened.bus.lanes.retryAll({ handler: 'notes.block' }, { by: 'ada' })
  const counts = await drained(opened.bus)

  expect([preview.count, untouched, report.count, counts.done]).toEqual([KEYS, KEYS, KEYS, KEYS * PER_KEY])
  const orders = Array.from({ length: KEYS }, (_, key) =>
    Array.from({ length: PER_KEY }, (_each, n) => key * PER_KEY + n),
  )
  expect([...runs.values()].toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0))).toEqual(orders)
  expect(await opened.bus.deadLetters.count()).toBe(0)
  expect((await opened.bus.acts.list()).acts).toMatchObject([{ act: 'lanes.retryAll', by: 'ada', count: KEYS }])
})

test.each([
  [{ error: 'ESTORE' }, 2],
  [{ error: 'TypeError' }, 1],
  [{ error: 'Type' }, 0],
  [{ handler: 'notes.block', error: 'ESTORE' }, 2],
  [{ handler: 'notes.other' }, 0],
  [{ all: true }, 3],
] as const)('%o selects %i of three', async (which, expected) => {
  await opened.bus.publish([0, 1, 2].map((n) => NoteTaken({ n, key: `key ${n}` })))
  await drained(opened.bus)

  expect(await opened.bus.lanes.retryAll(which, { preview: true })).toEqual({ count: expected })
  expect(await opened.bus.lanes.retryAll(which)).toEqual({ count: expected })
  expect(await opened.bus.deadLetters.count()).toBe(3 - expected)
})

test('one call does not retry a head again that dies again, and the head goes on blocking', async () => {
  await blocked(3, 2)

  const report = await opened.bus.lanes.retryAll({ all: true })
  const counts = await drained(opened.bus)

  expect([report.count, counts.dead]).toEqual([3, 3])
  expect((await opened.bus.lanes.list({ state: 'blocked' })).lanes).toHaveLength(3)
})

test('a rate spreads retries over time, and the next call continues after an interruption', async () => {
  await blocked(6, 1)
  const began = performance.now()

  const first = await opened.bus.lanes.retryAll({ all: true }, { ratePerSecond: 10, limit: 3 })
  const tookMs = performance.now() - began
  const rest = await opened.bus.lanes.retryAll({ all: true })

  expect([first.count, rest.count]).toEqual([3, 3])
  expect(tookMs).toBeGreaterThanOrEqual(190)
})

test.each([{}, { handler: undefined }, { all: true, handler: 'notes.block' }, { handlers: 'x' }, { all: false }])(
  'refuses %o',
  async (which) => {
    await expect(opened.bus.lanes.retryAll(which as never)).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
  },
)

test('`postbus lanes retry --handler` previews, asks, and retries', async () => {
  await blocked(3, 1)
  const retry = (...words: readonly string[]) => postbus(opened.connectionString, ['lanes', 'retry', ...words])

  const [preview, asks, nothing] = await Promise.all([
    retry('--error', 'TypeError', '--preview', '--json'),
    retry('--handler', 'notes.block'),
    retry(),
  ])
  const done = await retry('--handler', 'notes.block', '--rate', '100', '--yes', '--by', 'ada')

  expect(preview.json()).toEqual([{ action: 'retry', preview: true, count: 1 }])
  expect(asks).toMatchObject({ code: 2, err: expect.stringContaining('Retry the heads of 3 blocked keys?') })
  expect(done).toMatchObject({
    code: 0,
    err: 'The heads of 3 keys are due now; what waits behind them follows.\n',
  })
  expect(nothing.code).toBe(2)
})

/** Makes `keys` lanes of `perKey` deliveries, each blocked by its head. */
async function blocked(keys: number, perKey: number): Promise<void> {
  await opened.bus.publish(
    Array.from({ length: keys * perKey }, (_, n) => NoteTaken({ n, key: `key ${Math.floor(n / perKey)}` })),
  )
  await drained(opened.bus)
}
