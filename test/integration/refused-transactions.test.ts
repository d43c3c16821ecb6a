/**
 * Anything but an open transaction is refused: by what the client knows, before any SQL, or by the database.
 *
 * The function here stands in for `postbus.publish`, with the same guard: a deferred trigger that finds at commit time
 * that the publishing statement is also the committing one, so no transaction had begun.
 */
import { Client, Pool } from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { explainDatabaseError } from '../../src/transactions/database-error.ts'
import { openTransaction } from '../../src/transactions/open-transaction.ts'
import { clients, finishedTransaction } from '../support/clients.ts'
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

    create function refuse_autocommit() returns trigger language plpgsql as $$
    begin
      if current_setting('postbus.published_by', true) = extract(epoch from statement_timestamp())::text then
        raise exception using errcode = 'PB003', message = 'No transaction is open.';
      end if;
      return null;
    end $$;
    create constraint trigger refuse_autocommit after insert on noted deferrable initially deferred
      for each row when (current_setting('postbus.published_by', true) = 'now') execute function refuse_autocommit();

    create function note(payload text) returns table (answer text) language plpgsql as $$
    begin
      perform set_config('postbus.published_by', 'now', true);
      insert into noted values (payload);
      perform set_config('postbus.published_by', extract(epoch from statement_timestamp())::text, true);
      return query select 'noted';
    end $$;
  `)
})

afterAll(async () => {
  await reader.end()
  await database.drop()
})

beforeEach(async () => {
  await reader.query('truncate noted')
})

describe.each(clients)('$name', ({ open, rootIsCalled, codeAfterTheEnd }) => {
  let client: OpenClient

  beforeEach(async () => {
    client = await open(database.connectionString)
    return () => client.close()
  })

  test('its root is refused before any SQL', () => {
    expect(() => openTransaction(client.root)).toThrow(refusedAs('POSTBUS_NOT_A_TRANSACTION'))
    expect(() => openTransaction(client.root)).toThrow(`publish() was given ${rootIsCalled}`)
  })

  test('the guard accepts an open transaction, in a savepoint too', async () => {
    await client.inTransaction(async ({ tx, inSavepoint }) => {
      await note(tx)
      await inSavepoint(async (inner) => note(inner.tx))
    })

    expect(await countOfNoted()).toBe(2)
  })

  test('a finished transaction is refused, and nothing is written', async () => {
    const finished = await finishedTransaction(client)

    const refusal = await note(finished).catch((error: unknown) => error)

    expect(refusal).toMatchObject({ name: 'PostbusError', code: codeAfterTheEnd })
    expect(await countOfNoted()).toBe(0)
  })

  test('a publish without await is either in the transaction or not stored', async () => {
    const forgotten: Promise<unknown>[] = []

    await client.inTransaction(async ({ tx }) => {
      forgotten.push(
        note(tx).then(
          () => 1,
          () => 0,
        ),
      )
    })
    const [published] = await Promise.all(forgotten)

    expect(await countOfNoted()).toBe(published)
  })
})

test.each(clients.filter(({ endIsSeenBy }) => endIsSeenBy === 'postbus'))(
  'a finished transaction of $name is refused at once',
  async ({ open, codeAfterTheEnd }) => {
    const client = await open(database.connectionString)
    const finished = await finishedTransaction(client)

    expect(() => openTransaction(finished)).toThrow(refusedAs(codeAfterTheEnd))
    await client.close()
  },
)

test('a pg client that was released to its pool is refused', async () => {
  const pool = new Pool({ connectionString: database.connectionString })
  const client = await pool.connect()
  await client.query('begin')
  await client.query('commit')
  client.release()

  expect(() => openTransaction(client)).toThrow(refusedAs('POSTBUS_NOT_A_TRANSACTION'))
  await pool.end()
})

test('a pg client whose begin has not returned yet is checked by the database', async () => {
  const client = new Client({ connectionString: database.connectionString, pipeline: true })
  await client.connect()

  await Promise.all([client.query('begin'), note(client), client.query('commit')])

  expect(await countOfNoted()).toBe(1)
  await client.end()
})

test('constraints that the caller made immediate do not trigger the guard', async () => {
  const client = new Client({ connectionString: database.connectionString })
  await client.connect()

  await client.query('begin')
  await client.query('set constraints all immediate')
  await note(client)
  await client.query('commit')

  expect(await countOfNoted()).toBe(1)
  await client.end()
})

test('a reserved connection of postgres.js is refused, because it does not show whether a transaction is open', async () => {
  const sql = postgres(database.connectionString)
  const reserved = await sql.reserve()

  expect(() => openTransaction(reserved)).toThrow(refusedAs('POSTBUS_NOT_A_TRANSACTION'))
  reserved.release()
  await sql.end()
})

test('for a Kysely instance the error says which transaction to pass', async () => {
  const [kysely] = clients
  const client = await kysely?.open(database.connectionString)

  expect(() => openTransaction(client?.root)).toThrow(
    'publish() was given a Kysely instance, not a transaction: the event could commit without your data. ' +
      'Pass the `trx` of `db.transaction().execute(…)`, or leave `tx` out to publish on its own.',
  )
  await client?.close()
})

test.each([null, undefined, 1, 'tx', {}, [], () => undefined, { query: () => undefined }])(
  '%j is refused with the list of accepted clients',
  (stranger) => {
    expect(() => openTransaction(stranger)).toThrow(
      /Kysely, pg, postgres\.js, Drizzle, Knex, Prisma, TypeORM or MikroORM/,
    )
  },
)

/** Publishes as the library does: nothing happens between opening the transaction and sending the statement. */
async function note(tx: unknown): Promise<void> {
  try {
    await openTransaction(tx).executeSql('select * from note($1)', ['payload'])
  } catch (error) {
    throw explainDatabaseError(error, 'postbus')
  }
}

function refusedAs(code: string): unknown {
  return expect.objectContaining({ name: 'PostbusError', code })
}

async function countOfNoted(): Promise<number> {
  const { rows } = await reader.query<{ count: number }>('select count(*)::integer as count from noted')
  return rows[0]?.count ?? 0
}
