/** A statement sent through the caller's transaction is committed or rolled back with it, with every client. */
import { CamelCasePlugin, Kysely, PostgresDialect } from 'kysely'
import { Client, Pool } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { explainDatabaseError } from '../../src/transactions/database-error.ts'
import { openTransaction, type PublishTransaction } from '../../src/transactions/open-transaction.ts'
import { PostbusError } from '../../src/errors.ts'
import { clients } from '../support/clients.ts'
import type { OpenClient } from '../support/clients/open-client.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let reader: Client

beforeAll(async () => {
  database = await createDatabase()
  reader = new Client({ connectionString: database.connectionString })
  await reader.connect()
  await reader.query(`
    create table noted (payload text);
    create function note(payload text) returns table (answer text) language sql as
      $$ insert into noted values (payload) returning 'noted ' || payload $$;
  `)
})

afterAll(async () => {
  await reader.end()
  await database.drop()
})

describe.each(clients)('$name', ({ open }) => {
  let client: OpenClient

  beforeEach(async () => {
    await reader.query('truncate noted')
    client = await open(database.connectionString)
    return () => client.close()
  })

  test('runs the statement with its values and returns the rows', async () => {
    const answers: unknown[] = []

    await client.inTransaction(async ({ tx }) => {
      answers.push(await note(tx, `{"what": "a $1 question?", "tag": "'"}`))
    })

    expect(answers).toEqual([{ answer: `noted {"what": "a $1 question?", "tag": "'"}` }])
  })

  test('a question mark in the statement is not a placeholder', async () => {
    const answers: unknown[] = []

    await client.inTransaction(async ({ tx }) => {
      answers.push(await openTransaction(tx).executeSql(`select '?' || $2 || $1 as answer`, ['one', 'two']))
    })

    expect(answers).toEqual([{ rows: [{ answer: '?twoone' }] }])
  })

  test('after a commit the rows are stored', async () => {
    await client.inTransaction(async ({ tx }) => {
      await note(tx, 'first')
      await note(tx, 'second')
    })

    expect(await noted()).toEqual(['first', 'second'])
  })

  test('no other connection sees the rows before the commit', async () => {
    const seenByOthers: string[][] = []

    await client.inTransaction(async ({ tx }) => {
      await note(tx, 'first')
      seenByOthers.push(await noted())
    })

    expect(seenByOthers).toEqual([[]])
  })

  test('after a rollback no row is stored', async () => {
    const attempt = client.inTransaction(async ({ tx }) => {
      await note(tx, 'first')
      throw new Error('changed my mind')
    })

    await expect(attempt).rejects.toThrow('changed my mind')
    expect(await noted()).toEqual([])
  })

  test('after the rollback of a savepoint, only its part is undone', async () => {
    await client.inTransaction(async ({ tx, inSavepoint }) => {
      await note(tx, 'before')
      await inSavepoint(async (inner) => {
        await note(inner.tx, 'inside')
        throw new Error('not this part')
      }).catch(() => undefined)
      await note(tx, 'after')
    })

    expect(await noted()).toEqual(['before', 'after'])
  })

  test('of two nested savepoints, only the inner one is undone', async () => {
    await client.inTransaction(async ({ inSavepoint }) => {
      await inSavepoint(async (outer) => {
        await note(outer.tx, 'outer')
        await outer
          .inSavepoint(async (inner) => {
            await note(inner.tx, 'inner')
            throw new Error('not this part')
          })
          .catch(() => undefined)
      })
    })

    expect(await noted()).toEqual(['outer'])
  })

  test('after a failed statement, the error says that the transaction is aborted', async () => {
    const refusals: unknown[] = []

    await client
      .inTransaction(async ({ tx, run }) => {
        await run('select 1 / 0').catch(() => undefined)
        refusals.push(await note(tx, 'too late').catch((error: unknown) => error))
      })
      .catch(() => undefined)

    expect(refusals).toEqual([expect.any(PostbusError)])
    expect(refusals).toEqual([expect.objectContaining({ code: 'POSTBUS_TRANSACTION_ABORTED' })])
    expect(await noted()).toEqual([])
  })
})

test('the plugins of a Kysely instance do not rename the columns of the result', async () => {
  const pool = new Pool({ connectionString: database.connectionString })
  const db = new Kysely({ dialect: new PostgresDialect({ pool }), plugins: [new CamelCasePlugin()] })

  const { rows } = await db
    .transaction()
    .execute((tx) => openTransaction(tx).executeSql('select $1 as snake_case', ['kept']))

  expect(rows).toEqual([{ snake_case: 'kept' }])
  await db.destroy()
})

/** Publishes as the library does: nothing happens between opening the transaction and sending the statement. */
async function note(tx: PublishTransaction, payload: string): Promise<unknown> {
  try {
    const { rows } = await openTransaction(tx).executeSql('select * from note($1)', [payload])
    return rows[0]
  } catch (error) {
    throw explainDatabaseError(error, 'postbus')
  }
}

async function noted(): Promise<string[]> {
  const { rows } = await reader.query<{ payload: string }>('select payload from noted')
  return rows.map((row) => row.payload)
}
