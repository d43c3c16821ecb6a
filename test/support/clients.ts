/**
 * Every database client whose transactions `publish()` accepts, behind one interface, so that one promise can be tested
 * with all of them: committed, rolled back, savepoint rolled back, finished.
 *
 * A `work` that throws rolls back, and the error comes out again; one that returns commits.
 */
import type { PublishTransaction } from '../../src/transactions/open-transaction.ts'
import { openDrizzleNodePostgres, openDrizzlePostgresJs } from './clients/drizzle.ts'
import { openKnex } from './clients/knex.ts'
import { openControlledKysely, openKysely } from './clients/kysely.ts'
import { openMikroOrm } from './clients/mikro-orm.ts'
import type { OpenClient } from './clients/open-client.ts'
import { openExecuteSql, openPg } from './clients/pg.ts'
import { openPostgresJs } from './clients/postgres-js.ts'
import { openPrisma } from './clients/prisma.ts'
import { openTypeorm, openTypeormRunner } from './clients/typeorm.ts'

export interface ClientUnderTest {
  readonly name: string
  /**
   * The part that notices that a transaction has ended: Postbus at once, the client when it should send the statement, or only
   * the database when the statement arrives.
   */
  readonly endIsSeenBy: 'postbus' | 'client' | 'database'
  /** A `pg` client has no transaction of its own: after the commit it looks as it did before the begin. */
  readonly codeAfterTheEnd: 'POSTBUS_TRANSACTION_FINISHED' | 'POSTBUS_NOT_A_TRANSACTION'
  /** The words that the error uses for the client's root object. */
  readonly rootIsCalled: string
  readonly open: (connectionString: string) => Promise<OpenClient>
}

const finished = 'POSTBUS_TRANSACTION_FINISHED'
const noTransaction = 'POSTBUS_NOT_A_TRANSACTION'

export const clients: readonly ClientUnderTest[] = [
  {
    name: 'kysely',
    rootIsCalled: 'a Kysely instance',
    endIsSeenBy: 'postbus',
    codeAfterTheEnd: finished,
    open: openKysely,
  },
  {
    name: 'kysely, controlled',
    rootIsCalled: 'a Kysely instance',
    endIsSeenBy: 'postbus',
    codeAfterTheEnd: finished,
    open: openControlledKysely,
  },
  { name: 'pg', rootIsCalled: 'a pg Pool', endIsSeenBy: 'postbus', codeAfterTheEnd: noTransaction, open: openPg },
  {
    name: 'postgres.js',
    rootIsCalled: 'the root `sql` of postgres.js',
    endIsSeenBy: 'database',
    codeAfterTheEnd: finished,
    open: openPostgresJs,
  },
  {
    name: 'drizzle over pg',
    rootIsCalled: 'a Drizzle database',
    endIsSeenBy: 'postbus',
    codeAfterTheEnd: finished,
    open: openDrizzleNodePostgres,
  },
  {
    name: 'drizzle over postgres.js',
    rootIsCalled: 'a Drizzle database',
    endIsSeenBy: 'database',
    codeAfterTheEnd: finished,
    open: openDrizzlePostgresJs,
  },
  { name: 'knex', rootIsCalled: 'a Knex instance', endIsSeenBy: 'postbus', codeAfterTheEnd: finished, open: openKnex },
  {
    name: 'prisma',
    rootIsCalled: 'a Prisma client',
    endIsSeenBy: 'client',
    codeAfterTheEnd: finished,
    open: openPrisma,
  },
  {
    name: 'typeorm',
    rootIsCalled: 'a TypeORM EntityManager outside of a transaction',
    endIsSeenBy: 'postbus',
    codeAfterTheEnd: finished,
    open: openTypeorm,
  },
  {
    name: 'typeorm, query runner',
    rootIsCalled: 'a TypeORM DataSource',
    endIsSeenBy: 'postbus',
    codeAfterTheEnd: finished,
    open: openTypeormRunner,
  },
  {
    name: 'mikro-orm',
    rootIsCalled: 'a MikroORM EntityManager outside of a transaction',
    endIsSeenBy: 'postbus',
    codeAfterTheEnd: finished,
    open: openMikroOrm,
  },
  { name: 'executeSql', rootIsCalled: '{}', endIsSeenBy: 'database', codeAfterTheEnd: finished, open: openExecuteSql },
]

/** A transaction that was committed and then kept, as by a caller that forgets an `await`. */
export async function finishedTransaction(client: OpenClient): Promise<PublishTransaction> {
  const kept: PublishTransaction[] = []
  await client.inTransaction(async ({ tx, run }) => {
    await run('select 1')
    kept.push(tx)
  })
  const [tx] = kept
  if (!tx) throw new Error('the transaction did not run')
  return tx
}
