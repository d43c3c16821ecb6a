/** `currentTransaction` and `requireTransaction`: a publish belongs to the surrounding transaction without getting it as an option. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { PoolClient } from 'pg'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { createBus, type Bus, type BusOptions } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'

const around = new AsyncLocalStorage<PoolClient>()
const currentTransaction = () => around.getStore()
let opened: TestBus
let follow: () => Promise<unknown> = async () => undefined
const handlers = [handlerThat((n) => (n === 1 ? follow() : undefined), { name: 'notes.take', maxAttempts: 1 })]

beforeAll(async () => {
  opened = await openTestBus({ handlers, currentTransaction })
  return () => opened.close()
})

beforeEach(() => emptyTables(opened.database))

test('a publish in a transaction commits and is rolled back with it, and one outside commits alone', async () => {
  await inTransaction('commit', () => publish(opened.bus, 1))
  await inTransaction('rollback', () => publish(opened.bus, 2))
  await publish(opened.bus, 3)

  expect(await published()).toEqual([1, 3])
})

test("tx: 'own' survives a rollback of the surrounding transaction", async () => {
  await inTransaction('rollback', async () => {
    await publish(opened.bus, 1)
    await opened.bus.publish(NoteTaken({ n: 2 }), { tx: 'own' })
  })

  expect(await published()).toEqual([2])
})

test('the event of a block belongs to the surrounding transaction, and its error event does not', async () => {
  const failing = async () => {
    throw new Error('the block failed')
  }

  await inTransaction('rollback', () => opened.bus.publishResult(NoteTaken, {}, async () => ({ n: 1 })))
  await inTransaction('rollback', () =>
    opened.bus.publishResult(NoteTaken, { errorEvent: NoteTaken, errorData: () => ({ n: 2 }) }, failing),
  ).catch(() => undefined)

  expect(await published()).toEqual([2])
})

test('a publish after its transaction has ended is refused, and does not commit alone', async () => {
  const tooLate = Promise.withResolvers<void>()
  const { promise, resolve } = Promise.withResolvers<unknown>()
  await inTransaction('commit', async () => {
    void tooLate.promise.then(() => publish(opened.bus, 1)).then(resolve, resolve)
  })
  tooLate.resolve()

  expect(await promise).toMatchObject({
    code: expect.stringMatching(/^POSTBUS_(TRANSACTION_FINISHED|NOT_A_TRANSACTION)$/) as string,
  })
  expect(await published()).toEqual([])
})

test('if a transaction is required, a publish outside of one is refused with its line, in handlers too', async () => {
  const strict = aBus({ requireTransaction: true })
  follow = () => publish(strict, 9)

  await inTransaction('commit', () => publish(strict, 1))
  const refused = await publish(strict, 2).catch((error: unknown) => error)
  let hasRun = false
  const block = await strict
    .publishResult(NoteTaken, {}, async () => {
      hasRun = true
      return { n: 3 }
    })
    .catch((error: unknown) => error)
  await drained(strict)

  const required = {
    code: 'POSTBUS_TRANSACTION_REQUIRED',
    message: expect.stringContaining('ambient-transaction.test.ts:') as string,
  }
  expect(refused).toMatchObject(required)
  expect(block).toMatchObject({ code: 'POSTBUS_TRANSACTION_REQUIRED' })
  expect(hasRun).toBe(false)
  expect(await published()).toEqual([1])
  expect((await strict.deadLetters.list()).deadLetters).toMatchObject([
    { reason: expect.stringContaining('is in no transaction') as string },
  ])
  await strict.close()
})

test.each(['inline', 'mailbox'] as const)('a bus with the backend %s also requires it', async (backend) => {
  const memory = createBus({ backend, handlers, currentTransaction, requireTransaction: true })

  await expect(publish(memory, 2)).rejects.toMatchObject({ code: 'POSTBUS_TRANSACTION_REQUIRED' })
  await inTransaction('commit', () => publish(memory, 2))
  expect((await memory.publish(NoteTaken({ n: 3 }), { tx: 'own' })).events).toHaveLength(1)
})

function aBus(options: BusOptions): Bus {
  return createBus({
    connectionString: opened.connectionString,
    handlers,
    currentTransaction,
    onSignal: () => undefined,
    ...options,
  })
}

async function publish(bus: Bus, n: number): Promise<void> {
  await bus.publish(NoteTaken({ n }))
}

async function inTransaction(end: 'commit' | 'rollback', work: () => Promise<unknown>): Promise<void> {
  const client = await opened.database.connect()
  try {
    await client.query('begin')
    await around.run(client, work)
  } finally {
    await client.query(end)
    client.release()
  }
}

async function published(): Promise<readonly number[]> {
  const { rows } = await opened.database.query<{ n: number }>(
    `select (payload -> 'json' ->> 'n')::integer as n from postbus.event order by seq`,
  )
  return rows.map(({ n }) => n)
}
