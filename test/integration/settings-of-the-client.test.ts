/** With any setting of the caller's client for columns, rows and results, `publish` and a drain in its transaction work. */
import { PrismaPg } from '@prisma/adapter-pg'
import { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js'
import knex from 'knex'
import { CamelCasePlugin, Kysely, type KyselyPlugin, ParseJSONResultsPlugin, PostgresDialect } from 'kysely'
import { Pool, TypeOverrides } from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defineHandler, type Envelope, type PublishTransaction } from '../../src/index.ts'
import { drainEvents } from '../../src/testing/drain/drain.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { PrismaClient } from '../support/prisma/client/client.ts'
import { storedCounts } from '../support/stored.ts'

type Work = (tx: PublishTransaction) => Promise<void>
/** Runs the work in a transaction of a client with a certain setting. */
type Client = (connectionString: string, work: Work) => Promise<unknown>

const camel = (name: string) => name.replaceAll(/_./g, (two) => two.charAt(1).toUpperCase())
const camelKeys = (row: object) => Object.fromEntries(Object.entries(row).map(([name, value]) => [camel(name), value]))
const upperCase = (text: string) => text.toUpperCase()

const mapping: Readonly<Record<string, Client>> = {
  'postgres.js with `transform: postgres.camel`': throughPostgresJs({ transform: postgres.camel }),
  'postgres.js with `transform: postgres.pascal` and undefined': throughPostgresJs({
    transform: { ...postgres.pascal, undefined: null },
  }),
  'postgres.js with rows of another shape': throughPostgresJs({
    transform: { row: { from: (row: object) => ({ data: new Map(Object.entries(row)), ...row }) } } as never,
  }),
  'postgres.js with types of its own': throughPostgresJs({
    types: {
      time: { to: 1184, from: [1082, 1114, 1184], serialize: String, parse: (text: string) => `time ${text}` },
      json: { to: 114, from: [114, 3802], serialize: JSON.stringify, parse: () => 'json' },
      number: { to: 20, from: [16, 20, 21, 23, 701, 1700], serialize: String, parse: () => 'number' },
    },
  }),
  'Kysely with CamelCasePlugin and ParseJSONResultsPlugin': throughKysely([
    new CamelCasePlugin(),
    new ParseJSONResultsPlugin(),
  ]),
  'Kysely over a pool with types of its own': throughKysely([], {
    types: allChanged([16, 20, 23, 114, 701, 1184, 3802]),
  }),
  'Knex with postProcessResponse for rows and wrapIdentifier': throughKnex({
    wrapIdentifier: (name: string, original: (name: string) => string) => original(`x${name}`),
    postProcessResponse: (result: { rows: object[] }) => ({ ...camelKeys(result), rows: result.rows.map(camelKeys) }),
  }),
  'Knex with postProcessResponse that returns rows only': throughKnex({
    postProcessResponse: (result: { rows: object[] }) => result.rows,
  }),
  'Knex with rows inside of something': throughKnex({
    postProcessResponse: (result: { rows: object[] }) => ({ rows: result.rows.map((row) => [row]) }),
  }),
  'Drizzle with `casing`': (connectionString, work) =>
    withPool({ connectionString }, (pool) =>
      drizzleNodePostgres(pool, { casing: 'camelCase' }).transaction((tx) => work(tx)),
    ),
  'Drizzle over postgres.js with `transform: postgres.camel`': (connectionString, work) =>
    withPostgresJs(connectionString, { transform: postgres.camel }, (sql) =>
      drizzlePostgresJs(sql).transaction((tx) => work(tx)),
    ),
  'Prisma with an extension that renames columns': async (connectionString, work) => {
    const root = new PrismaClient({ adapter: new PrismaPg({ connectionString, max: 1 }) })
    const extended = root.$extends({
      query: {
        $allOperations: async ({ args, query }) => {
          const rows: unknown = await query(args)
          return Array.isArray(rows) ? rows.map(camelKeys) : rows
        },
      },
    })
    await closing(
      () => root.$disconnect(),
      () => extended.$transaction((tx) => work(tx as unknown as PublishTransaction)),
    )
  },
  'pg with types of its own': throughPg({ types: allChanged([16, 20, 23, 114, 701, 1184, 2950, 3802]) }),
}

const refused: Readonly<Record<string, [client: Client, setting: string]>> = {
  'postgres.js with `transform.value`': [
    throughPostgresJs({
      transform: {
        value: { from: (value: unknown) => (typeof value === 'string' ? upperCase(value) : value) },
      } as never,
    }),
    '`transform`',
  ],
  'Knex with postProcessResponse that drops what it does not know': [
    throughKnex({ postProcessResponse: () => ({ rows: [{}] }) }),
    '`postProcessResponse`',
  ],
  'pg with another parser of `text`': [
    throughPg({ types: allChanged([25], (text) => upperCase(String(text))) }),
    '`types`',
  ],
}

const heard: Envelope[] = []
const handlers = [
  defineHandler('notes.hear', { on: NoteTaken, handle: (event) => void heard.push(event) }),
  handlerThat(() => Promise.reject(new Error('no')), { name: 'notes.fail', maxAttempts: 2 }),
]
const rollback = new Error('rolled back by the test')

let opened: TestBus
beforeAll(async () => {
  opened = await openTestBus({ handlers })
})
afterAll(() => opened.close())

describe.each(Object.entries(mapping))('%s', (_, client) => {
  test('publishes and drains its events in its transaction', async () => {
    heard.length = 0
    const { bus, connectionString } = opened
    const events = [NoteTaken({ n: 1, key: 'red' }), NoteTaken({ n: 2 })]
    const seen: unknown[] = []

    const work = client(connectionString, async (tx) => {
      seen.push(await bus.publish([...events, ...events.slice(0, 1)], { tx }))
      seen.push(await drainEvents({ bus, tx, withRetries: true }))
      throw rollback
    })

    await expect(work).rejects.toThrow(rollback)
    const published = events.map(({ id }) => ({ id, deliveries: 2, duplicate: false }))
    const again = { id: events[0]?.id, deliveries: 0, duplicate: true }
    expect(seen).toEqual([{ events: [...published, again] }, { done: 2, failed: 2, dead: 2, snoozed: 0 }])
    for (const { id, occurredAt, data } of events) {
      expect(heard.find((one) => one.id === id)).toMatchObject({ occurredAt, data })
    }
  })
})

describe.each(Object.entries(refused))('%s', (_, [client, setting]) => {
  test('is refused with the name of the setting, and rolls back', async () => {
    const work = client(opened.connectionString, async (tx) => {
      await opened.bus.publish(NoteTaken({ n: 1 }), { tx })
    })

    await expect(work).rejects.toMatchObject({
      code: 'POSTBUS_ROWS_CHANGED',
      message: expect.stringContaining(setting) as unknown,
    })
    expect(await storedCounts(opened.database)).toEqual({ events: 0, deliveries: 0 })
  })
})

function throughPostgresJs(options: object): Client {
  return (connectionString, work) =>
    withPostgresJs(connectionString, options, (sql) => sql.begin((tx) => work(tx as unknown as PublishTransaction)))
}

async function withPostgresJs(
  connectionString: string,
  options: object,
  work: (sql: postgres.Sql) => Promise<unknown>,
): Promise<unknown> {
  const sql = postgres(connectionString, { max: 1, onnotice: () => undefined, ...options })
  return closing(
    () => sql.end(),
    () => work(sql),
  )
}

function throughKysely(plugins: KyselyPlugin[], more: object = {}): Client {
  return (connectionString, work) =>
    withPool({ connectionString, ...more }, (pool) =>
      new Kysely<unknown>({ dialect: new PostgresDialect({ pool }), plugins }).transaction().execute((tx) => work(tx)),
    )
}

function throughKnex(options: object): Client {
  return async (connection, work) => {
    const root = knex({ client: 'pg', connection, pool: { min: 0, max: 1 }, ...options })
    await closing(
      () => root.destroy(),
      () => root.transaction((tx) => work(tx)),
    )
  }
}

function throughPg(options: object): Client {
  return (connectionString, work) =>
    withPool({ connectionString, ...options }, async (pool) => {
      const client = await pool.connect()
      try {
        await client.query('begin')
        await work(client)
      } finally {
        await client.query('rollback')
        client.release()
      }
    })
}

async function closing(close: () => Promise<unknown>, work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work()
  } finally {
    await close()
  }
}

async function withPool(options: object, work: (pool: Pool) => Promise<unknown>): Promise<unknown> {
  const pool = new Pool({ ...options, max: 1 })
  return closing(
    () => pool.end(),
    () => work(pool),
  )
}

/** The types of a pool. The given ones are parsed to other values than pg's. */
function allChanged(
  types: readonly number[],
  parse: (text: unknown) => unknown = (text) => ({ parsed: text }),
): TypeOverrides {
  const changed = new TypeOverrides()
  for (const type of types) changed.setTypeParser(type, parse)
  return changed
}
