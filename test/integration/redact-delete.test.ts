/** `bus.events.redact` erases an event's content wherever it is stored; `bus.events.delete` deletes events that no delivery waits for. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { linesOf, postbusHere as postbus } from '../support/cli.ts'
import { drained } from '../support/drained.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'

const SECRET = 'lives in Elm Street'
let does: (n: number) => unknown = () => undefined
const handlers = [handlerThat((n) => does(n), { name: 'notes.take', maxAttempts: 1, onDead: 'block' })]
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({ handlers })
})

afterAll(() => opened.close())

beforeEach(async () => {
  await emptyTables(opened.database)
  does = () => undefined
})

async function publish(...numbers: number[]): Promise<string[]> {
  const notes = numbers.map((n) => NoteTaken({ n, key: 'red', text: SECRET }, { metadata: { who: SECRET } }))
  return (await opened.bus.publish(notes)).events.map(({ id }) => id)
}

/** Every table in the schemas that contains this text. */
async function placesOf(text: string): Promise<readonly string[]> {
  const tables = ['postbus.event', 'postbus.dead_letter', 'postbus.history', 'pgboss.job']
  const found = await Promise.all(
    tables.map(async (table) => {
      const { rows } = await opened.database.query(`select from ${table} one where one::text like $1`, [`%${text}%`])
      return rows.length > 0 ? [table] : []
    }),
  )
  return found.flat()
}

describe('redact', () => {
  test('erases data, metadata and errors everywhere, and keeps the shape and the history', async () => {
    does = (n) => {
      if (n === 2) throw new Error(`cannot mail: ${SECRET}`)
    }
    const [first = '', second = ''] = await publish(1, 2)
    await drained(opened.bus)
    const before = await placesOf(SECRET)

    const preview = await opened.bus.events.redact({ partitionKey: 'red' }, { preview: true })
    const report = await opened.bus.events.redact(
      { partitionKey: 'red' },
      { by: 'ada', reason: 'asked to be forgotten' },
    )

    expect(before).toEqual(['postbus.event', 'postbus.dead_letter', 'pgboss.job'])
    expect([preview, report]).toEqual([{ count: 2 }, { count: 2 }])
    expect(await placesOf(SECRET)).toEqual([])
    expect(await opened.bus.events.get(first)).toMatchObject({
      id: first,
      type: 'notes.note-taken',
      partitionKey: 'red',
      data: { n: 0, key: '', text: '' },
      metadata: { redacted: { at: expect.any(String), by: 'ada', reason: 'asked to be forgotten' } },
    })
    expect((await opened.bus.events.status(second))?.deliveries).toMatchObject([
      { handler: 'notes.take', attempts: 1, errors: [{ attempt: 1, message: 'erased' }] },
    ])
    expect((await opened.bus.acts.list()).acts).toMatchObject([{ act: 'events.redact', by: 'ada', count: 2 }])
    expect(await opened.bus.events.redact({ partitionKey: 'red' })).toEqual({ count: 0 })
  })

  test('turns a waiting delivery into a dead letter that says so, and its key goes on', async () => {
    const numbers: number[] = []
    does = (n) => numbers.push(n)
    const [first = ''] = await publish(1, 2)

    await opened.bus.events.redact(first, { by: 'ada' })
    await drained(opened.bus)

    expect(numbers).toEqual([2])
    expect((await opened.bus.deadLetters.list()).deadLetters).toMatchObject([
      { eventId: first, blocksKey: false, reason: expect.stringContaining('was erased before this handler had it') },
    ])
  })

  test('delivers the erased event to a waiting handler if the caller asks for it', async () => {
    const numbers: number[] = []
    does = (n) => numbers.push(n)
    const [first = ''] = await publish(1)

    await opened.bus.events.redact(first, { pending: 'deliver' })
    await drained(opened.bus)

    expect(numbers).toEqual([0])
  })

  test.each([
    [{}, {}, 'POSTBUS_INVALID_OPTIONS'],
    [{ partitionKey: undefined }, {}, 'POSTBUS_INVALID_OPTIONS'],
    [{ all: true }, {}, 'POSTBUS_INVALID_OPTIONS'],
    ['red', {}, 'POSTBUS_INVALID_OPTIONS'],
    [{ partitionKey: 'red' }, { pending: 'later' }, 'POSTBUS_INVALID_OPTIONS'],
    ['00000000-0000-7000-8000-000000000000', {}, 'POSTBUS_NO_SUCH_EVENT'],
  ])('refuses %o with %o', async (which, how, code) => {
    await expect(opened.bus.events.redact(which as never, how as never)).rejects.toMatchObject({ code })
  })
})

describe('delete', () => {
  test('deletes events that nothing waits for, with their history, and reports how many it keeps', async () => {
    does = (n) => {
      if (n === 3) throw new Error('out of ink')
    }
    const [first = '', , third = ''] = await publish(1, 2, 3)
    await drained(opened.bus)
    const [fourth = ''] = await publish(4)

    const preview = await opened.bus.events.delete({ type: 'notes.*' }, { preview: true })
    const report = await opened.bus.events.delete({ type: 'notes.*' }, { by: 'ada' })

    expect([preview, report]).toEqual([
      { count: 2, kept: 2 },
      { count: 2, kept: 2 },
    ])
    expect(await opened.bus.events.get(first)).toBeNull()
    expect((await opened.bus.events.list({ first: 'oldest' })).events.map(({ id }) => id)).toEqual([third, fourth])
    const { rows } = await opened.database.query('select from postbus.history')
    expect(rows).toHaveLength(0)
    expect((await opened.bus.acts.list()).acts).toMatchObject([{ act: 'events.delete', by: 'ada', count: 2 }])
  })

  test('deletes everything with { all: true }, and refuses a query that names nothing', async () => {
    await publish(1)
    await drained(opened.bus)

    await expect(opened.bus.events.delete({})).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
    expect(await opened.bus.events.delete({ all: true })).toEqual({ count: 1, kept: 0 })
  })
})

test('`postbus events redact` and `delete` preview, ask and act', async () => {
  await publish(1)
  await drained(opened.bus)
  const run = (...words: readonly string[]) => postbus(opened.connectionString, ['events', ...words])

  const [preview, asks, nothing] = await Promise.all([
    run('redact', '--key', 'red', '--preview', '--json'),
    run('redact', '--key', 'red'),
    run('delete'),
  ])
  const deleted = await run('delete', '--key', 'red', '--yes', '--by', 'ada')

  expect(preview.json()).toEqual([{ action: 'redact', preview: true, count: 1 }])
  expect(asks).toMatchObject({ code: 2, err: expect.stringContaining('Nothing brings it back.') })
  expect(nothing.code).toBe(2)
  expect(linesOf(deleted.err)).toEqual(['1 event deleted.'])
}, 120_000)
