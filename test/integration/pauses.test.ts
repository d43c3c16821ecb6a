/** While something is paused, no process runs it, workers spend nothing on it, and it later goes on in order. */
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { noLongerQuick } from '../support/no-longer-quick.ts'
import { aSignal, anotherBus, handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'
import { until } from '../support/until.ts'

const RED = { handler: 'notes.take', partitionKey: 'red' }
const runs: string[] = []
let hold: ((n: number) => Promise<void> | undefined) | null = null
const handlers = ['notes.take', 'notes.other'].map((name) =>
  handlerThat(
    (n, { attempt }) => {
      runs.push(`${name.slice('notes.'.length)} ${n}${attempt > 1 ? ` again` : ''}`)
      return hold?.(n)
    },
    { name, queue: name === 'notes.take' ? 'events' : 'mail' },
  ),
)
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({ handlers })
})

afterAll(() => opened.close())

beforeEach(async () => {
  await emptyTables(opened.database)
  runs.length = 0
  hold = null
})

const publish = (key: string | null, ...numbers: number[]) =>
  opened.bus.publish(numbers.map((n) => NoteTaken({ n, key })))
const taken = () => runs.filter((run) => run.startsWith('take'))

describe.each([
  ['a handler', { handler: 'notes.take' }],
  ['a queue', { queue: 'events' }],
] as const)('%s that is paused', (_, what) => {
  test.each([null, 'red'])(
    'runs nothing with key %s while others go on, and goes on in order when it is resumed',
    async (key) => {
      await publish(key, 1, 2)
      const paused = await opened.bus.pause(what, { by: 'ada', reason: 'wrong rate' })
      const twice = await opened.bus.pause(what)
      await publish(key, 3)
      await drained(opened.bus)
      const meanwhile = [...runs]

      const resumed = await opened.bus.resume(what)
      await drained(opened.bus)

      expect([paused.count, twice.count, resumed.count]).toEqual([1, 0, 1])
      expect(meanwhile).toEqual(['other 1', 'other 2', 'other 3'])
      expect(taken()).toEqual(['take 1', 'take 2', 'take 3'])
      expect((await opened.bus.resume(what)).count).toBe(0)
    },
  )

  test('wakes its workers when it is resumed', async () => {
    await opened.bus.pause(what)
    await publish('red', 1)
    await publish(null, 2)
    const worker = opened.bus.worker({ pollMs: 60_000 })
    onTestFinished(async () => void (await worker.stop()))
    await worker.start()
    await until('the other handler has run', () => runs.length === 2)

    await opened.bus.resume(what)

    await until('it went on', () => taken().length === 2)
    expect(taken().toSorted()).toEqual(['take 1', 'take 2'])
  })
})

describe('a paused key', () => {
  test('runs nothing while other keys and handlers go on, and goes on in order when it is resumed', async () => {
    await publish('red', 1, 2)
    const report = await opened.bus.lanes.pause(RED, { by: 'ada' })
    await publish('blue', 3)
    await publish('red', 4)
    await drained(opened.bus)
    const meanwhile = taken()
    const [lane] = (await opened.bus.lanes.list()).lanes

    await opened.bus.lanes.resume(RED)
    await drained(opened.bus)

    expect(report).toEqual({ count: 1 })
    expect(meanwhile).toEqual(['take 3'])
    expect(lane).toMatchObject({ ...RED, isPaused: true, behind: 2, state: 'waiting' })
    expect(taken()).toEqual(['take 3', 'take 1', 'take 2', 'take 4'])
  })

  test('lets the running delivery end, and its run goes no further', async () => {
    const began = aSignal()
    const finish = aSignal()
    hold = (n) => {
      if (n !== 1) return undefined
      began.resolve()
      return finish.promise
    }
    await publish('red', 1, 2, 3)
    const worker = opened.bus.worker({ pollMs: 100 })
    onTestFinished(async () => void (await worker.stop()))
    await worker.start()
    await began.promise

    await opened.bus.lanes.pause(RED)
    await publish('blue', 4)
    await noLongerQuick()
    finish.resolve()
    await until('another key has run', () => taken().includes('take 4'))
    await until('the first one is settled', async () => (await opened.bus.lanes.show(RED))?.behind === 1)

    expect(taken()).toEqual(['take 1', 'take 4'])
    await opened.bus.lanes.resume(RED)
    await until('it went on', () => taken().length === 4)
    expect(taken()).toEqual(['take 1', 'take 4', 'take 2', 'take 3'])
  })

  test('is looked at only once, stays parked during a sweep, and a sweep frees it after its pause is removed', async () => {
    await opened.bus.lanes.pause(RED)
    await publish('red', 1, 2)
    await drained(opened.bus)
    const parked = async () => {
      const { rows } = await opened.database.query(
        `select blocked, state from pgboss.job where singleton_key = 'notes.take:red' order by id`,
      )
      return rows
    }
    const sweep = () => opened.database.query('select postbus.sweep(100000, 0)')

    await sweep()
    const swept = await parked()
    await opened.database.query(`delete from postbus.pause`)
    await sweep()
    const freed = await parked()

    expect(swept).toEqual([true, true].map((blocked) => ({ blocked, state: 'created' })))
    expect(freed).toEqual([
      { blocked: false, state: 'retry' },
      { blocked: true, state: 'created' },
    ])
  })

  test('keeps its order if an older delivery is committed late', async () => {
    const late = await opened.database.connect()
    onTestFinished(() => late.release())
    await late.query('begin')
    await opened.bus.publish(NoteTaken({ n: 1, key: 'red' }), { tx: late })
    await publish('red', 2)
    await opened.bus.lanes.pause(RED)
    await drained(opened.bus)
    await late.query('commit')
    await drained(opened.bus)

    await opened.bus.lanes.resume(RED)
    await drained(opened.bus)

    expect(taken()).toEqual(['take 1', 'take 2'])
  })
})

test('a pause applies to every process, and survives all of them', async () => {
  const other = anotherBus(opened, [handlerThat((n) => runs.push(`take ${n}`), { name: 'notes.take' })])
  await opened.bus.pause({ handler: 'notes.take' }, { by: 'ada' })
  await publish(null, 1)

  await drained(other)
  const pauses = await other.pauses()
  const findings = await opened.bus.doctor()
  await other.close()

  expect(taken()).toEqual([])
  expect(pauses).toEqual({
    pauses: [
      expect.objectContaining({ handler: 'notes.take', queue: null, partitionKey: null, by: 'ada', reason: null }),
    ],
    cursor: null,
  })
  expect(findings).toContainEqual({
    check: 'pauses',
    status: 'warning',
    message: expect.stringMatching(/^paused: handler notes\.take since .* by ada\. /),
  })
})

test('pauses come in pages, and the pause and the resume are both recorded', async () => {
  await opened.bus.pause({ queue: 'mail' })
  await opened.bus.pause({ handler: 'notes.take' })
  await opened.bus.lanes.pause({ handler: 'notes.take', partitionKey: 'a: b' })
  await opened.bus.lanes.resume({ handler: 'notes.take', partitionKey: 'c' })

  const first = await opened.bus.pauses({ limit: 2 })
  const second = await opened.bus.pauses({ limit: 2, cursor: first.cursor })

  expect(
    [...first.pauses, ...second.pauses].map(({ handler, queue, partitionKey }) => [handler, queue, partitionKey]),
  ).toEqual([
    ['notes.take', null, null],
    ['notes.take', null, 'a: b'],
    [null, 'mail', null],
  ])
  const { acts } = await opened.bus.acts.list()
  expect(acts.map(({ act, count }) => [act, count])).toEqual([
    ['lanes.resume', 0],
    ['lanes.pause', 1],
    ['pause', 1],
    ['pause', 1],
  ])
})

test.each([
  [{}, 'POSTBUS_INVALID_OPTIONS'],
  [{ handler: undefined }, 'POSTBUS_INVALID_OPTIONS'],
  [{ handler: 'notes.take', queue: 'mail' }, 'POSTBUS_INVALID_OPTIONS'],
  [{ queue: 'mail_partitioned' }, 'POSTBUS_INVALID_OPTIONS'],
  [{ handler: 'notes.tale' }, 'POSTBUS_UNKNOWN_HANDLER'],
  [{ queue: 'male' }, 'POSTBUS_QUEUE_MISSING'],
])('pause refuses %o', async (what, code) => {
  await expect(opened.bus.pause(what as never)).rejects.toMatchObject({ code })
  expect((await opened.bus.acts.list()).acts).toEqual([])
})
