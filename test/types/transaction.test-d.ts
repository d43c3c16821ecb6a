/** The compiler accepts the transactions of every client, and refuses what people pass by mistake. */
import type { EntityManager as MikroOrmManager } from '@mikro-orm/postgresql'
import type { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres'
import type { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js'
import type { Knex } from 'knex'
import type { ControlledTransaction, Kysely, Transaction as KyselyTransaction } from 'kysely'
import type pg from 'pg'
import type postgres from 'postgres'
import type { DataSource, EntityManager as TypeormManager, QueryRunner } from 'typeorm'
import { expectTypeOf } from 'vitest'
import type { PublishTransaction } from '../../src/transactions/open-transaction.ts'
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

expectTypeOf<KyselyTransaction<Shop>>().toExtend<PublishTransaction>()
expectTypeOf<ControlledTransaction<Shop, ['a']>>().toExtend<PublishTransaction>()
expectTypeOf<pg.Client>().toExtend<PublishTransaction>()
expectTypeOf<pg.PoolClient>().toExtend<PublishTransaction>()
expectTypeOf<postgres.TransactionSql>().toExtend<PublishTransaction>()
expectTypeOf<postgres.TransactionSql<{ bigint: bigint }>>().toExtend<PublishTransaction>()
expectTypeOf<TransactionOf<NodePostgresDatabase>>().toExtend<PublishTransaction>()
expectTypeOf<TransactionOf<PostgresJsDatabase>>().toExtend<PublishTransaction>()
expectTypeOf<Knex.Transaction>().toExtend<PublishTransaction>()
expectTypeOf<Knex.Transaction<Shop, Shop[]>>().toExtend<PublishTransaction>()
expectTypeOf<Prisma.TransactionClient>().toExtend<PublishTransaction>()
expectTypeOf<TypeormManager>().toExtend<PublishTransaction>()
expectTypeOf<QueryRunner>().toExtend<PublishTransaction>()
expectTypeOf<MikroOrmManager>().toExtend<PublishTransaction>()

expectTypeOf<Kysely<Shop>>().not.toExtend<PublishTransaction>()
expectTypeOf<pg.Pool>().not.toExtend<PublishTransaction>()
expectTypeOf<postgres.Sql>().not.toExtend<PublishTransaction>()
expectTypeOf<postgres.ReservedSql>().not.toExtend<PublishTransaction>()
expectTypeOf<NodePostgresDatabase>().not.toExtend<PublishTransaction>()
expectTypeOf<PostgresJsDatabase>().not.toExtend<PublishTransaction>()
expectTypeOf<Knex>().not.toExtend<PublishTransaction>()
expectTypeOf<DataSource>().not.toExtend<PublishTransaction>()
expectTypeOf<PrismaClient>().not.toExtend<PublishTransaction>()
expectTypeOf<number>().not.toExtend<PublishTransaction>()
expectTypeOf<object>().not.toExtend<PublishTransaction>()
expectTypeOf<null>().not.toExtend<PublishTransaction>()
