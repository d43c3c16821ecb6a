/** Errors of the database get Postbus's words, with every client. */
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { explainDatabaseError } from '../../src/transactions/database-error.ts'
import { openTransaction } from '../../src/transactions/open-transaction.ts'
import { clients } from '../support/clients.ts'
import type { OpenClient } from '../support/clients/open-client.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase()
  const admin = new Client({ connectionString: database.connectionString })
  await admin.connect()
  await admin.query(`
    create function raise(state text) returns text language plpgsql as $$
    begin
      raise exception using errcode = state, message = 'The server says - in its own words - why.';
    end $$;
  `)
  await admin.end()
})

afterAll(() => database.drop())

describe.each(clients)('$name', ({ open }) => {
  let client: OpenClient

  beforeEach(async () => {
    client = await open(database.connectionString)
    return () => client.close()
  })

  test.each([
    { what: 'a missing schema', statement: 'select * from "postbus".publish($1)' },
    { what: 'a missing function', statement: 'select * from publish($1)' },
  ])('$what means that Postbus is not installed', async ({ statement }) => {
    const error = await errorOf(client, statement, '{}')

    const explained = explainDatabaseError(error, 'postbus')

    expect(explained).toMatchObject({
      code: 'POSTBUS_SCHEMA_MISSING',
      message: 'Schema "postbus" is not installed in this database. Run: npx postbus migrate',
    })
    expect(explained).toHaveProperty('cause', error)
  })

  test.each([
    { state: 'PB001', code: 'POSTBUS_SCHEMA_OUTDATED' },
    { state: 'PB002', code: 'POSTBUS_QUEUE_MISSING' },
    { state: 'PB003', code: 'POSTBUS_TRANSACTION_FINISHED' },
  ])('$state becomes $code, with the words of the server', async ({ state, code }) => {
    const error = await errorOf(client, 'select * from raise($1)', state)

    const explained = explainDatabaseError(error, 'postbus')

    expect(explained).toMatchObject({ code, message: 'The server says - in its own words - why.' })
    expect(explained).toHaveProperty('cause', error)
  })

  test.each(['40P01', '40001', '23505'])('%s is not ours and stays the same object', async (state) => {
    const error = await errorOf(client, 'select * from raise($1)', state)

    const explained = explainDatabaseError(error, 'postbus')

    expect(explained).toBe(error)
    expect(explained).toBeInstanceOf(Error)
  })
})

test.each([undefined, null, 'text', new Error('no answer'), { code: 7 }])('%s stays unchanged', (thrown) => {
  expect(explainDatabaseError(thrown, 'postbus')).toBe(thrown)
})

async function errorOf(client: OpenClient, statement: string, value: string): Promise<unknown> {
  const errors: unknown[] = []
  await client
    .inTransaction(async ({ tx }) => {
      await openTransaction(tx)
        .executeSql(statement, [value])
        .catch((error: unknown) => errors.push(error))
    })
    .catch(() => undefined)
  return errors[0]
}
