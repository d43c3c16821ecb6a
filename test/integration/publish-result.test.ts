/** `publishResult` runs and times a block, and publishes its result or its failure as an event. */
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createBus,
  defineEvent,
  defineHandler,
  discard,
  durationMs,
  failed,
  type BusSignal,
  type Envelope,
} from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { emptyTables, storedEvents } from '../support/stored.ts'

const Imported = defineEvent('files.imported', { schema: z.object({ rows: z.number().min(0) }) })
const ImportFailed = defineEvent('files.import-failed', { schema: z.object({ message: z.string() }) })
const Refused = defineEvent('files.refused', { schema: z.object({ code: z.number() }) })

const seen: Envelope[] = []
const keep = defineHandler('files.keep', { on: 'files.*', handle: (event) => void seen.push(event) })

let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers: [keep], source: 'importer' })
  await shop.database.query('create table file (rows integer)')
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  await shop.database.query('truncate file')
  seen.length = 0
})

test('the value that the block returns is the data of the event, and is returned', async () => {
  const rows = { rows: 7 }

  const returned = await shop.bus.publishResult(Imported, { metadata: { tenant: 'a' } }, async () => rows)
  await drained(shop.bus)

  expect(returned).toBe(rows)
  expect(seen).toEqual([
    expect.objectContaining({ type: 'files.imported', data: rows, source: 'importer', metadata: { tenant: 'a' } }),
  ])
})

test('the event has the times at which the block began and ended', async () => {
  let beganAt = 0
  let endedAt = 0

  await shop.bus.publishResult(Imported, {}, async () => {
    beganAt = Date.now()
    await shop.database.query('select pg_sleep(0.05)')
    endedAt = Date.now()
    return { rows: 1 }
  })
  await drained(shop.bus)

  const [event] = seen
  expect(event?.initializedAt?.getTime()).toBeLessThanOrEqual(beganAt)
  expect(event?.occurredAt.getTime()).toBeGreaterThanOrEqual(endedAt)
  expect(durationMs(event ?? {})).toBeGreaterThanOrEqual(50)
})

test('a block that throws publishes the error event, and the error reaches the caller', async () => {
  const reason = new Error('line 3 is broken')

  const running = shop.bus.publishResult(Imported, { errorEvent: ImportFailed }, () => {
    throw reason
  })

  await expect(running).rejects.toBe(reason)
  await drained(shop.bus)
  expect(seen).toEqual([
    expect.objectContaining({ type: 'files.import-failed', data: { message: 'line 3 is broken' } }),
  ])
  expect(seen[0]?.initializedAt).toBeInstanceOf(Date)
})

test.each([
  ['failed in words', () => failed('no such file'), 'no such file'],
  ['failed with an error', () => failed(new TypeError('no rows')), 'no rows'],
  ['discarded', () => discard('empty'), 'empty'],
])(
  'a block that returns that it %s publishes the error event, and its return value is returned',
  async (_, block, message) => {
    const answer = block()

    const returned = await shop.bus.publishResult(Imported, { errorEvent: ImportFailed }, () => answer)
    await drained(shop.bus)

    expect(returned).toBe(answer)
    expect(seen.map(({ type, data }) => [type, data])).toEqual([['files.import-failed', { message }]])
  },
)

test('the data of the error event is made from the error', async () => {
  const errors: unknown[] = []
  const errorData = (error: unknown) => ({ code: errors.push(error) })
  const thrown = new Error('thrown')
  const cause = new TypeError('returned')

  await shop.bus
    .publishResult(Imported, { errorEvent: Refused, errorData }, () => Promise.reject(thrown))
    .catch(() => undefined)
  await shop.bus.publishResult(Imported, { errorEvent: Refused, errorData }, () => failed(cause))
  await shop.bus.publishResult(Imported, { errorEvent: Refused, errorData }, () => failed('in words'))
  await drained(shop.bus)

  expect(errors).toEqual([
    thrown,
    cause,
    expect.objectContaining({ code: 'POSTBUS_ATTEMPT_FAILED', message: 'in words' }),
  ])
  expect(seen.map(({ data }) => data)).toEqual([{ code: 1 }, { code: 2 }, { code: 3 }])
})

test('without an error event a failure publishes nothing', async () => {
  const returned = await shop.bus.publishResult(Imported, {}, () => failed('no such file'))
  await expect(shop.bus.publishResult(Imported, {}, () => Promise.reject(new Error('thrown')))).rejects.toThrow(
    'thrown',
  )

  expect(returned).toMatchObject({ is: 'failed' })
  expect(await storedEvents(shop.database)).toEqual([])
})

test('an id names only the result, so a failure does not use up the id of the next attempt', async () => {
  const id = '00000000-0000-4000-8000-000000000001'

  await shop.bus.publishResult(Imported, { id, errorEvent: ImportFailed }, () => failed('not yet'))
  await shop.bus.publishResult(Imported, { id, errorEvent: ImportFailed }, () => ({ rows: 1 }))

  const stored = await storedEvents(shop.database)
  expect(stored.map(({ type, id: own }) => [type, own === id])).toEqual([
    ['files.import-failed', false],
    ['files.imported', true],
  ])
})

describe('with a transaction', () => {
  test('the event belongs to the transaction: both are stored, or neither', async () => {
    for (const end of ['commit', 'rollback']) {
      await inTransaction(end, (tx) =>
        shop.bus.publishResult(Imported, { tx }, async () => {
          await tx.query('insert into file values (1)')
          return { rows: 1 }
        }),
      )
    }

    expect(await storedEvents(shop.database)).toHaveLength(1)
    expect((await shop.database.query('select from file')).rowCount).toBe(1)
  })

  test('the error event survives: the transaction is aborted and rolled back, and the error event is stored', async () => {
    const running = inTransaction('rollback', (tx) =>
      shop.bus.publishResult(Imported, { tx, errorEvent: ImportFailed }, async () => {
        await tx.query('insert into file values (1)')
        await tx.query('select 1 / 0')
        return { rows: 1 }
      }),
    )

    await expect(running).rejects.toMatchObject({ message: 'division by zero' })
    const stored = await storedEvents(shop.database)
    expect(stored.map(({ type }) => type)).toEqual(['files.import-failed'])
    expect((await shop.database.query('select from file')).rowCount).toBe(0)
  })
})

test('an error event that cannot be published is a signal, and the caller gets the block’s own error', async () => {
  const signals: BusSignal[] = []
  const bus = createBus({
    connectionString: 'postgres://nobody@127.0.0.1:1/nowhere',
    onSignal: (one) => signals.push(one),
  })
  const reason = new Error('line 3 is broken')

  const running = bus.publishResult(Imported, { errorEvent: ImportFailed }, () => Promise.reject(reason))

  await expect(running).rejects.toBe(reason)
  expect(signals).toContainEqual(
    expect.objectContaining({
      name: 'error-event.unpublished',
      level: 'error',
      fields: { type: 'files.import-failed' },
    }),
  )
  await bus.close()
})

test('a result that does not fit the event is refused without an error event, because the block has not failed', async () => {
  const running = shop.bus.publishResult(Imported, { errorEvent: ImportFailed }, () => ({ rows: -1 }))

  await expect(running).rejects.toMatchObject({ code: 'POSTBUS_INVALID_EVENT' })
  expect(await storedEvents(shop.database)).toEqual([])
})

async function inTransaction<Result>(end: string, work: (tx: Client) => Promise<Result>): Promise<Result> {
  const tx = new Client({ connectionString: shop.connectionString })
  await tx.connect()
  try {
    await tx.query('begin')
    return await work(tx)
  } finally {
    await tx.query(end)
    await tx.end()
  }
}
