/** The shop's own tables and connections. */
import type { OnApplicationShutdown } from '@nestjs/common'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { Pool } from 'pg'

export interface Tables {
  'shop.orders': { id: string; sku: string; count: number }
  'shop.stock': { sku: string; remaining: number }
  'shop.letter': { order_id: string; text: string }
}

export class Database extends Kysely<Tables> implements OnApplicationShutdown {
  constructor(connectionString: string) {
    super({ dialect: new PostgresDialect({ pool: new Pool({ connectionString, max: 5 }) }) })
  }

  async onApplicationShutdown(): Promise<void> {
    await this.destroy()
  }
}

export async function createTables(database: Database): Promise<void> {
  await sql`create schema if not exists shop`.execute(database)
  await sql`create table if not exists shop.orders (id text primary key, sku text not null, count integer not null)`.execute(
    database,
  )
  await sql`create table if not exists shop.stock (sku text primary key, remaining integer not null check (remaining >= 0))`.execute(
    database,
  )
  await sql`create table if not exists shop.letter (order_id text primary key, text text not null)`.execute(database)
}
