/** `bus.lanes.rewind`: a handler gets the events of a key again, from a given one on and in order, and no other key or handler is affected. */
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { noLongerQuick } from '../support/no-longer-quick.ts'
import { aSignal, handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'
import { until } from '../support/until.ts'

const RED = { handler: 'notes.take', partitionKey: 'red' }
let runs: string[] = []
let does: (n: number) => unknown = () => undefined
const handlers = [
  handlerThat(
    (n) => {
      runs.push(`take ${n}`)
      return does(n)
    },
    { name: 'notes.take', maxAttempts: 1, onDead: 'continue' },
  ),
  handlerThat((n) => runs.push(`other ${n}`), { name: 'notes.other' }),
]
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({ handlers })
})

afterAll(() => opened.close())

beforeEach(async () => {
  await emptyTables(opened.database)
  runs = []
  does = () => undefined
})

/** Publishes events of a key, and returns their ids in order. */
async function publish(key: string, ...numbers: number[]): Promise<string[]> {
  const { events } = await opened.bus.publish(numbers.map((n) => NoteTaken({ n, key })))
  return events.map(({ id }) => id)
}

const taken = () => runs.filter((run) => run.startsWith('take')).map((run) => Number(run.slice('take '.length)))

test('done deliveries run again from that event on, in order, and other keys and handlers are not affected', async () => {
  const [, , third = ''] = await publish('red', 1, 2, 3, 4)
  await publish('blue', 10, 11)
  await drained(opened.bus)
  await publish('red', 5)
  runs = []

  const preview = await opened.bus.lanes.rewind({ ...RED, from: third }, { preview: true })
  const report = await opened.bus.lanes.rewind({ ...RED, from: third }, { by: 'ada', reason: 'wrong since then' })
  await drained(opened.bus)

  expect([preview, report]).toEqual([{ count: 2 }, { count: 2 }])
  expect(taken()).toEqual([3, 4, 5])
  expect(runs.filter((run) => run.startsWith('other'))).toEqual(['other 5'])
  expect((await opened.bus.acts.list()).acts).toMatchObject([
    { act: 'lanes.rewind', filter: { ...RED, from: third }, by: 'ada', count: 2 },
  ])
  expect(await opened.bus.pauses()).toMatchObject({ pauses: [] })
})

test('while a publisher publishes and workers run, exactly that event and the later ones run again', async () => {
  const ids = await publish('red', ...Array.from({ length: 20 }, (_, n) => n))
  const workers = [opened.bus.worker({ pollMs: 100 }), opened.bus.worker({ pollMs: 100 })]
  onTestFinished(async () => void (await Promise.all(workers.map((worker) => worker.stop()))))
  await Promise.all(workers.map((worker) => worker.start()))
  await until('all ran', () => taken().length === 20)
  let n = 20
  const over = new AbortController()
  const publishing = (async () => {
    while (!over.signal.aborted) {
      await publish('red', n)
      await publish('blue', 1_000 + n)
      n += 1
    }
  })()
  await until('live events run', () => taken().length > 50)

  const { count } = await opened.bus.lanes.rewind({ ...RED, from: ids[10] ?? '' })
  await until('it goes on', () => n > 90)
  over.abort()
  await publishing
  await until('nothing is left', async () => (await opened.bus.lanes.list()).lanes.length === 0)

  const red = taken().filter((one) => one < 1_000)
  const again = red.indexOf(10, red.indexOf(10) + 1)
  expect(red.slice(0, again)).toEqual(Array.from({ length: again }, (_, place) => place))
  expect(red.slice(again)).toEqual(Array.from({ length: n - 10 }, (_, place) => 10 + place))
  expect(count).toBe(again - 10)
  const blue = taken().filter((one) => one >= 1_000)
  expect(blue).toEqual(Array.from({ length: blue.length }, (_, place) => 1_020 + place))
})

test('a running delivery is waited for, and runs again in its turn', async () => {
  const began = aSignal()
  const finish = aSignal()
  does = (n) => {
    if (n !== 2 || taken().filter((one) => one === 2).length > 1) return undefined
    began.resolve()
    return finish.promise
  }
  const worker = opened.bus.worker({ pollMs: 100 })
  onTestFinished(async () => void (await worker.stop()))
  await worker.start()
  const [first = ''] = await publish('red', 1, 2, 3)
  await began.promise

  const rewinding = opened.bus.lanes.rewind({ ...RED, from: first })
  await until('the key stands still', async () => (await opened.bus.pauses()).pauses.length === 1)
  await noLongerQuick()
  finish.resolve()

  expect(await rewinding).toEqual({ count: 2 })
  await until('it is through', async () => (await opened.bus.lanes.list({ handler: 'notes.take' })).lanes.length === 0)
  expect(taken()).toEqual([1, 2, 1, 2, 3])
})

test('dead deliveries run again too, unless they were dismissed, and events that were never for the handler do not', async () => {
  does = (n) => {
    if (n === 2 || n === 3) throw new Error('out of ink')
  }
  const [first = ''] = await publish('red', 1, 2, 3, 4)
  await drained(opened.bus)
  const [, third] = (await opened.bus.deadLetters.list()).deadLetters
  await opened.bus.deadLetters.dismiss({ deliveryIds: [third?.deliveryId ?? ''] })
  await opened.database.query(`delete from postbus.history where seq = (select max(seq) from postbus.event)`)
  runs = []
  does = () => undefined

  const report = await opened.bus.lanes.rewind({ ...RED, from: first })
  await drained(opened.bus)

  expect(report).toEqual({ count: 2 })
  expect(taken()).toEqual([1, 2])
  expect(await opened.bus.deadLetters.count()).toBe(0)
})

test('a paused key stays paused, and goes on from that event when it is resumed', async () => {
  const [, second = ''] = await publish('red', 1, 2, 3)
  await drained(opened.bus)
  await opened.bus.lanes.pause(RED)
  await publish('red', 4)
  await drained(opened.bus)
  runs = []

  await opened.bus.lanes.rewind({ ...RED, from: second })
  await drained(opened.bus)
  const meanwhile = taken()
  await opened.bus.lanes.resume(RED)
  await drained(opened.bus)

  expect([meanwhile, taken()]).toEqual([[], [2, 3, 4]])
})

describe('repair', () => {
  test('after skipHead it runs the key again from the skipped event on', async () => {
    const worker = opened.bus.worker()
    await publish('red', 1)
    await drained(opened.bus)
    await publish('red', 2, 3)
    await opened.bus.lanes.skipHead(RED)
    await drained(opened.bus)
    await worker.stop()
    runs = []

    const preview = await opened.bus.lanes.repair(RED, { preview: true })
    const report = await opened.bus.lanes.repair(RED, { by: 'ada' })
    await drained(opened.bus)

    expect([preview, report]).toEqual([{ count: 2 }, { count: 2 }])
    expect(taken()).toEqual([2, 3])
    expect(await opened.bus.deadLetters.count()).toBe(0)
    expect(await opened.bus.lanes.repair(RED)).toEqual({ count: 0 })
  })
})

test.each([
  ['an event of another key', { ...RED, key: 'blue' }, 'POSTBUS_NO_SUCH_EVENT'],
  ['an event that is not stored', { ...RED, from: '00000000-0000-7000-8000-000000000000' }, 'POSTBUS_NO_SUCH_EVENT'],
  ['a handler that it does not have', { ...RED, handler: 'notes.tale' }, 'POSTBUS_UNKNOWN_HANDLER'],
  ['no event', { ...RED, from: undefined }, 'POSTBUS_INVALID_OPTIONS'],
  ['a field that it does not know', { ...RED, to: 'x' }, 'POSTBUS_INVALID_OPTIONS'],
])('refuses %s, and leaves nothing paused', async (_, { key = 'red', ...to }: Record<string, unknown>, code) => {
  const [from] = await publish(String(key), 1)

  await expect(opened.bus.lanes.rewind({ from, ...to } as never)).rejects.toMatchObject({ code })

  expect(await opened.bus.pauses()).toMatchObject({ pauses: [] })
})

test('if a process dies while it rewinds, its pause ends by itself', async () => {
  await publish('red', 1)
  const pause = `insert into postbus.pause (kind, name, until) values ('lane', 'notes.take:red', clock_timestamp() + $1::interval)`
  await opened.database.query(pause, ['1 minute'])
  await drained(opened.bus)
  const meanwhile = taken()

  await opened.database.query(`update postbus.pause set until = clock_timestamp()`)
  await opened.database.query('select postbus.sweep(100000, 0)')
  await drained(opened.bus)

  expect([meanwhile, taken()]).toEqual([[], [1]])
})
