/** The compiler accepts the transactions of every client, and none of the things people pass by mistake. */
import type { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres'
import type { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js'
import type { Knex } from 'knex'
import type { ControlledTransaction, Kysely, Transaction as KyselyTransaction } from 'kysely'
import type pg from 'pg'
import type postgres from 'postgres'
import { expectTypeOf } from 'vitest'
import type { Transaction } from '../../src/transactions/open-transaction.ts'
import type { Prisma, PrismaClient } from '../support/prisma/client/client.ts'

interface Shop {
  orders: { id: string }
}
type NodePostgresDatabase = ReturnType<typeof drizzleNodePostgres<{ orders: never }>>
type PostgresJsDatabase = ReturnType<typeof drizzlePostgresJs<{ orders: never }>>
type TransactionOf<Database extends { transaction(work: never): unknown }> = Parameters<
  Database['transaction']
>[0] extends (tx: infer Tx) => unknown
  ? Tx
  : never

expectTypeOf<KyselyTransaction<Shop>>().toExtend<Transaction>()
expectTypeOf<ControlledTransaction<Shop, ['a']>>().toExtend<Transaction>()
expectTypeOf<pg.Client>().toExtend<Transaction>()
expectTypeOf<pg.PoolClient>().toExtend<Transaction>()
expectTypeOf<postgres.TransactionSql>().toExtend<Transaction>()
expectTypeOf<postgres.TransactionSql<{ bigint: bigint }>>().toExtend<Transaction>()
expectTypeOf<TransactionOf<NodePostgresDatabase>>().toExtend<Transaction>()
expectTypeOf<TransactionOf<PostgresJsDatabase>>().toExtend<Transaction>()
expectTypeOf<Knex.Transaction>().toExtend<Transaction>()
expectTypeOf<Knex.Transaction<Shop, Shop[]>>().toExtend<Transaction>()
expectTypeOf<Prisma.TransactionClient>().toExtend<Transaction>()

expectTypeOf<Kysely<Shop>>().not.toExtend<Transaction>()
expectTypeOf<pg.Pool>().not.toExtend<Transaction>()
expectTypeOf<postgres.Sql>().not.toExtend<Transaction>()
expectTypeOf<postgres.ReservedSql>().not.toExtend<Transaction>()
expectTypeOf<NodePostgresDatabase>().not.toExtend<Transaction>()
expectTypeOf<PostgresJsDatabase>().not.toExtend<Transaction>()
expectTypeOf<Knex>().not.toExtend<Transaction>()
expectTypeOf<PrismaClient>().not.toExtend<Transaction>()
expectTypeOf<number>().not.toExtend<Transaction>()
expectTypeOf<object>().not.toExtend<Transaction>()
expectTypeOf<null>().not.toExtend<Transaction>()
