/** `bus.acts`: an operator's act is recorded in the transaction that does it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { linesOf, postbusHere as postbus } from '../support/cli.ts'
import { drained } from '../support/drained.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'

const fails = () => {
  throw new Error('out of ink')
}
const BLOCKED = { handler: 'notes.block', partitionKey: 'red' }
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({
    handlers: [handlerThat(fails, { name: 'notes.block', onDead: 'block', maxAttempts: 1 })],
  })
})

afterAll(() => opened.close())

beforeEach(async () => {
  await emptyTables(opened.database)
  await opened.bus.publish(['red', 'red', 'blue', null].map((key, n) => NoteTaken({ n, key })))
  await drained(opened.bus)
})

test('each act is recorded: the person, the time, the act, its target and the count', async () => {
  const { bus } = opened
  const before = new Date(Date.now() - 60_000)

  await bus.deadLetters.retry({ handler: 'notes.block' }, { by: 'ada', reason: 'new ink' })
  await drained(bus)
  await bus.lanes.skipHead(BLOCKED, { by: 'bob' })
  await bus.deadLetters.dismiss({ all: true }, { limit: 1 })
  await drained(bus)
  await bus.lanes.retry(BLOCKED, { by: 'ada' })

  const { acts, cursor } = await bus.acts.list()
  expect(acts.map(({ act, filter, by, reason, count }) => [act, filter, by, reason, count])).toEqual([
    ['lanes.retry', BLOCKED, 'ada', null, 1],
    ['deadLetters.dismiss', { all: true }, null, null, 1],
    ['lanes.skipHead', BLOCKED, 'bob', null, 1],
    ['deadLetters.retry', { handler: 'notes.block' }, 'ada', 'new ink', 3],
  ])
  expect(cursor).toBeNull()
  expect(acts.every(({ beganAt, endedAt }) => beganAt > before && endedAt >= beganAt)).toBe(true)
})

test('an act that fails changes nothing, and is not recorded', async () => {
  await opened.database.query(`alter table postbus.act add constraint only_ada check (by = 'ada')`)
  try {
    await expect(opened.bus.lanes.skipHead(BLOCKED, { by: 'bob' })).rejects.toThrow('only_ada')
  } finally {
    await opened.database.query('alter table postbus.act drop constraint only_ada')
  }

  expect(await opened.bus.lanes.show(BLOCKED)).toMatchObject({ state: 'blocked', behind: 1 })
  expect((await opened.bus.acts.list()).acts).toEqual([])
})

test('an act that is interrupted between two batches shows how far it has come', async () => {
  const stop = () => {
    throw new Error('stopped')
  }

  await expect(opened.bus.deadLetters.retry({ all: true }, { onProgress: stop })).rejects.toThrow('stopped')
  const rest = await opened.bus.deadLetters.retry({ all: true })

  expect(rest).toEqual({ count: 2 }) // the delivery without a key was the first batch
  expect((await opened.bus.acts.list()).acts.map(({ count }) => count)).toEqual([2, 1])
})

describe('list', () => {
  beforeEach(async () => {
    await opened.bus.deadLetters.retry({ all: true }, { by: 'ada', limit: 1 })
    await opened.bus.deadLetters.retry({ all: true }, { by: 'bob', limit: 1 })
    await opened.bus.deadLetters.dismiss({ all: true }, { by: 'ada', limit: 1 })
  })

  test('is narrowed by act, person and time, and comes in pages', async () => {
    const { bus } = opened
    const whole = (await bus.acts.list()).acts
    const first = await bus.acts.list({ limit: 2 })
    const second = await bus.acts.list({ limit: 2, cursor: first.cursor })

    expect([...first.acts, ...second.acts]).toEqual(whole)
    expect(second.cursor).toBeNull()
    expect((await bus.acts.list({ by: 'ada' })).acts).toHaveLength(2)
    expect((await bus.acts.list({ by: 'ada', act: 'deadLetters.retry' })).acts).toHaveLength(1)
    expect((await bus.acts.list({ until: new Date(0) })).acts).toEqual([])
    expect((await bus.acts.list({ since: new Date(0) })).acts).toHaveLength(3)
  })

  test.each([{ who: 'ada' }, { by: undefined }, { act: 'lanes.shift' }, { since: '2026-01-01' }, { cursor: 'abc' }])(
    'refuses %o',
    async (query) => {
      await expect(opened.bus.acts.list(query as never)).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
    },
  )

  test('`postbus acts` prints a table, or with --json one line per act', async () => {
    const [table, json, wrong] = await Promise.all([
      postbus(opened.connectionString, ['acts', '--by', 'ada']),
      postbus(opened.connectionString, ['acts', '--json', '--limit', '1', '--since', '2020-01-01']),
      postbus(opened.connectionString, ['acts', '--since', 'yesterday']),
    ])

    expect({ code: table.code, err: table.err }).toEqual({ code: 0, err: '2 acts.\n' })
    expect(linesOf(table.out)[1]).toMatch(/deadLetters\.dismiss {2}1 +ada {2}\{"all":true\}/)
    expect(json.json()).toEqual([
      expect.objectContaining({ act: 'deadLetters.dismiss', by: 'ada', count: 1 }),
      { cursor: expect.any(String) },
    ])
    expect(wrong).toMatchObject({ code: 2, out: '' })
  })
})
