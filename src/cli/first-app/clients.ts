/** The Postgres clients that `postbus init` can write a first publish for, by the name of their package. */

export interface FirstClient {
  /** The packages that its script imports. */
  readonly packages: readonly string[]
  readonly imports: string
  /** Code that makes what `inTransaction` and `end` use, and a table of orders. */
  readonly opening: string
  /** Code that inserts `order` and publishes `event`, in one transaction. */
  readonly inTransaction: string
  readonly end: string
}

const TABLE = 'create table if not exists orders (id text primary key, total integer not null)'

/** The first client whose package is there is used. So a client that is built on another one comes before it. */
export const CLIENTS: Readonly<Record<string, FirstClient>> = {
  kysely: {
    packages: ['kysely', 'pg'],
    imports: `import { Kysely, PostgresDialect, sql } from 'kysely'\nimport { Pool } from 'pg'`,
    opening: `interface Database {
  orders: { id: string; total: number }
}

const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool: new Pool({ connectionString }) }) })
await sql\`${TABLE}\`.execute(db)`,
    inTransaction: `await db.transaction().execute(async (trx) => {
  await trx.insertInto('orders').values(order).execute()
  await bus.publish(event, { tx: trx })
})`,
    end: 'await db.destroy()',
  },
  'drizzle-orm': {
    packages: ['drizzle-orm', 'pg'],
    imports: `import { sql } from 'drizzle-orm'\nimport { drizzle } from 'drizzle-orm/node-postgres'\nimport { Pool } from 'pg'`,
    opening: `const pool = new Pool({ connectionString })
const db = drizzle(pool)
await db.execute(sql\`${TABLE}\`)`,
    inTransaction: `await db.transaction(async (tx) => {
  await tx.execute(sql\`insert into orders values (\${order.id}, \${order.total})\`)
  await bus.publish(event, { tx })
})`,
    end: 'await pool.end()',
  },
  '@prisma/client': {
    packages: ['@prisma/client', '@prisma/adapter-pg'],
    imports: `import { PrismaPg } from '@prisma/adapter-pg'\nimport { PrismaClient } from '@prisma/client' // or where your generator writes it`,
    opening: `const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString }) })
await prisma.$executeRaw\`${TABLE}\``,
    inTransaction: `await prisma.$transaction(async (tx) => {
  await tx.$executeRaw\`insert into orders values (\${order.id}, \${order.total})\`
  await bus.publish(event, { tx })
})`,
    end: 'await prisma.$disconnect()',
  },
  typeorm: {
    packages: ['typeorm', 'pg'],
    imports: `import { DataSource } from 'typeorm'`,
    opening: `const database = new DataSource({ type: 'postgres', url: connectionString })
await database.initialize()
await database.query('${TABLE}')`,
    inTransaction: `await database.transaction(async (tx) => {
  await tx.query('insert into orders values ($1, $2)', [order.id, order.total])
  await bus.publish(event, { tx })
})`,
    end: 'await database.destroy()',
  },
  knex: {
    packages: ['knex', 'pg'],
    imports: `import knex from 'knex'`,
    opening: `const db = knex({ client: 'pg', connection: connectionString })
await db.raw('${TABLE}')`,
    inTransaction: `await db.transaction(async (trx) => {
  await trx('orders').insert(order)
  await bus.publish(event, { tx: trx })
})`,
    end: 'await db.destroy()',
  },
  postgres: {
    packages: ['postgres'],
    imports: `import postgres from 'postgres'`,
    opening: `const sql = postgres(connectionString, { onnotice: () => undefined })
await sql\`${TABLE}\``,
    inTransaction: `await sql.begin(async (tx) => {
  await tx\`insert into orders values (\${order.id}, \${order.total})\`
  await bus.publish(event, { tx })
})`,
    end: 'await sql.end()',
  },
  pg: {
    packages: ['pg'],
    imports: `import { Pool } from 'pg'`,
    opening: `const pool = new Pool({ connectionString })
await pool.query('${TABLE}')`,
    inTransaction: `const tx = await pool.connect()
try {
  await tx.query('begin')
  await tx.query('insert into orders values ($1, $2)', [order.id, order.total])
  await bus.publish(event, { tx })
  await tx.query('commit')
} catch (error) {
  await tx.query('rollback')
  throw error
} finally {
  tx.release()
}`,
    end: 'await pool.end()',
  },
}

/** The client to use: `pg` when the application has none of these packages. */
export function clientAmong(packages: readonly string[]): FirstClient & { readonly name: string } {
  const name = Object.keys(CLIENTS).find((one) => packages.includes(one)) ?? 'pg'
  const client = CLIENTS[name]
  if (!client) throw new RangeError(`no client ${name}`)
  return { name, ...client }
}
