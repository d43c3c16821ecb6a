/** If a transaction was open for too long, the error says so, and does not blame a missing await. */
import { PrismaPg } from '@prisma/adapter-pg'
import { Client } from 'pg'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { explainDatabaseError } from '../../src/transactions/database-error.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { NoteTaken } from '../support/notes.ts'
import { PrismaClient } from '../support/prisma/client/client.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus()
  return () => opened.close()
})

test('the error for a timed-out Prisma transaction names its limit, and does not ask for await', async () => {
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: opened.connectionString, max: 2 }) })
  onTestFinished(() => prisma.$disconnect())
  let refusal: unknown

  await prisma
    .$transaction(
      async (tx) => {
        await tx.$queryRawUnsafe('select pg_sleep(0.3)::text').catch(() => undefined)
        refusal = await opened.bus.publish(NoteTaken({ n: 1 }), { tx }).catch((error: unknown) => error)
      },
      { timeout: 100 },
    )
    .catch(() => undefined)

  expect(refusal).toMatchObject({ code: 'POSTBUS_TRANSACTION_FINISHED' })
  const { message } = refusal as Error
  expect(message).toContain('The Prisma transaction took longer than its `timeout` of 100 ms')
  expect(message).toContain('prisma.$transaction(fn, { timeout })')
  expect(message).not.toContain('await')
})

test('the error for a Prisma transaction that was over before the publish still asks for await', async () => {
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: opened.connectionString, max: 2 }) })
  onTestFinished(() => prisma.$disconnect())
  const finished = await prisma.$transaction(async (tx) => tx)

  const refusal = await opened.bus.publish(NoteTaken({ n: 1 }), { tx: finished }).catch((error: unknown) => error)

  expect(refusal).toMatchObject({ code: 'POSTBUS_TRANSACTION_FINISHED', message: expect.stringContaining('await it') })
})

test('the timeout of older Prisma versions, which give it only in the message, is recognized', () => {
  const error = Object.assign(new Error('Transaction API error: Transaction already closed'), {
    code: 'P2028',
    meta: { error: 'A query cannot be executed on an expired transaction. The timeout was 5000 ms' },
  })

  expect(explainDatabaseError(error, 'postbus')).toMatchObject({ message: expect.stringContaining('took longer than') })
})

test('if the server ended a transaction by a timeout, the error names the setting', async () => {
  const client = new Client({ connectionString: opened.connectionString })
  client.on('error', () => undefined)
  await client.connect()
  onTestFinished(() => client.end().catch(() => undefined))
  await client.query("set transaction_timeout = '100ms'")
  await client.query('begin')

  const error = await client.query('select pg_sleep(5)').catch((failure: unknown) => failure)

  expect(explainDatabaseError(error, 'postbus')).toMatchObject({
    code: 'POSTBUS_TRANSACTION_FINISHED',
    message: expect.stringContaining('`transaction_timeout` of the database'),
  })
})
