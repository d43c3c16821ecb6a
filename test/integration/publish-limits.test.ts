/** Limits of one publish: how much data it may carry, what `interested` sees, and which schemas cannot share queues. */
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { createDatabase } from '../support/database.ts'

const Noted = defineEvent('notes.noted', { schema: z.object({ text: z.string() }) })
const asked: (string | null)[] = []
const read = defineHandler('notes.read', {
  on: Noted,
  interested: ({ source }) => asked.push(source) > 0,
  handle: () => undefined,
})

let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers: [read], source: 'shop', maxPayloadBytes: 64 * 1_048_576 })
})

afterAll(() => shop.close())

test('more data than one statement can carry is refused before any SQL, and the transaction goes on', async () => {
  const text = 'x'.repeat(55 * 1_048_576)
  const tx = new Client({ connectionString: shop.connectionString })
  await tx.connect()
  await tx.query('begin')

  const refused = shop.bus.publish(
    [1, 2, 3, 4, 5].map(() => Noted({ text })),
    { tx },
  )

  await expect(refused).rejects.toMatchObject({ code: 'POSTBUS_TOO_LARGE' })
  await shop.bus.publish(Noted({ text: 'small' }), { tx })
  await tx.query('commit')
  await tx.end()
}, 60_000)

test('interested sees the same source as the handler', async () => {
  asked.length = 0

  await shop.bus.publish(Noted({ text: '' }))

  expect(asked).toEqual(['shop'])
})

test('two schemas cannot share the queues of one pg-boss', async () => {
  const other = createBus({ connectionString: shop.connectionString, schema: 'other' })

  await expect(other.migrate()).rejects.toMatchObject({ code: 'POSTBUS_QUEUE_MISMATCH' })
  await other.close()
})

test('listing dead letters in a database without our schema names the command', async () => {
  const empty = await createDatabase()
  const bus = createBus({ connectionString: empty.connectionString })

  await expect(bus.deadLetters.list()).rejects.toMatchObject({ code: 'POSTBUS_SCHEMA_MISSING' })
  await bus.close()
  await empty.drop()
})
