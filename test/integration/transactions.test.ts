/** A statement sent through the caller's transaction shares its fate, whichever client the transaction is of. */
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

  test('runs the statement with its values and hands back the rows', async () => {
    const answers: unknown[] = []

    await client.inTransaction(async ({ tx }) => {
      answers.push(await note(tx, `{"what": "a $1 question?", "tag": "'"}`))
    })

    expect(answers).toEqual([{ answer: `noted {"what": "a $1 question?", "tag": "'"}` }])
  })

  test('a question mark in the statement is only a question mark', async () => {
    const answers: unknown[] = []

    await client.inTransaction(async ({ tx }) => {
      answers.push(await openTransaction(tx).executeSql(`select '?' || $2 || $1 as answer`, ['one', 'two']))
    })

    expect(answers).toEqual([{ rows: [{ answer: '?twoone' }] }])
  })

  test('what was committed is there', async () => {
    await client.inTransaction(async ({ tx }) => {
      await note(tx, 'first')
      await note(tx, 'second')
    })

    expect(await noted()).toEqual(['first', 'second'])
  })

  test('nobody else sees it before the commit', async () => {
    const seenByOthers: string[][] = []

    await client.inTransaction(async ({ tx }) => {
      await note(tx, 'first')
      seenByOthers.push(await noted())
    })

    expect(seenByOthers).toEqual([[]])
  })

  test('what was rolled back is not there', async () => {
    const attempt = client.inTransaction(async ({ tx }) => {
      await note(tx, 'first')
      throw new Error('changed my mind')
    })

    await expect(attempt).rejects.toThrow('changed my mind')
    expect(await noted()).toEqual([])
  })

  test('of a savepoint that was rolled back, only that part is gone', async () => {
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

  test('of two nested savepoints, the inner one is gone and the outer one stays', async () => {
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

  test('a transaction in which a statement failed is named as aborted', async () => {
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

test('the plugins of a Kysely instance do not rename the columns of the answer', async () => {
  const pool = new Pool({ connectionString: database.connectionString })
  const db = new Kysely({ dialect: new PostgresDialect({ pool }), plugins: [new CamelCasePlugin()] })

  const { rows } = await db
    .transaction()
    .execute((tx) => openTransaction(tx).executeSql('select $1 as snake_case', ['kept']))

  expect(rows).toEqual([{ snake_case: 'kept' }])
  await db.destroy()
})

/** As publishing does it: nothing happens between opening the transaction and sending the statement. */
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
