/**
 * F54: if a role can create objects in a schema of our search_path, we never run them: no function, operator, type or table,
 * neither when the schema is installed nor when we publish, work and operate.
 */
import { Client } from 'pg'
import { beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, type Bus } from '../../src/index.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { layTraps } from '../support/mallory.ts'
import { until } from '../support/until.ts'

const Paid = defineEvent('finances.paid', {
  schema: z.object({ account: z.string().nullable(), fails: z.boolean() }),
  partitionKey: (data) => data.account,
})
const fail = (event: { data: { fails: boolean } }) => {
  if (event.data.fails) throw new Error('no money')
}
const book = defineHandler('finances.book', { on: Paid, concurrency: { cluster: 1 }, maxAttempts: 1, handle: fail })
const mail = defineHandler('email.thank', { on: Paid, maxAttempts: 1, onDead: 'block', handle: fail })

let database: TestDatabase
let bus: Bus
let operator: Client

beforeEach(async () => {
  database = await createDatabase()
  operator = new Client({ connectionString: database.connectionString })
  await operator.connect()
  bus = createBus({
    connectionString: database.connectionString,
    handlers: [book, mail],
    onSignal: () => undefined,
    retentionMs: 1_000,
  })
  return async () => {
    await bus.close()
    await operator.end()
    await database.drop()
  }
})

test('no object of a schema in front of pg_catalog runs when the schema is installed, or when we publish, work and operate', async () => {
  expect(await layTraps(operator)).toBeGreaterThan(2_000)
  await operator.query(`alter database ${database.name} set search_path = evil, pg_catalog, public`)
  await expect(onVictimsSession('select 1 = 1')).rejects.toThrow('mallory')

  await bus.migrate()
  await everything()
})

/** Everything that a bus does in the database, on sessions with the search_path that the database gives them. */
async function everything() {
  const events = ['NL01', 'NL01', 'NL02', null, null].map((account, n) => Paid({ account, fails: n % 2 === 0 }))
  await onVictimsSession('begin', async (victim) => {
    await bus.publish(events.slice(0, 3), { tx: victim })
    await bus.publish(events[3]!, { tx: victim })
    await victim.query('commit')
  })
  await bus.publish(events[4]!)
  const worker = bus.worker()
  await worker.start()
  await until('all has run that can', async () => {
    const { rows } = await operator.query(
      `select from pgboss.job where state = 'active' or state < 'active' and (not blocked or group_tier = 'set aside') and start_after < 'infinity'`,
    )
    return rows.length === 0
  })
  await worker.stop()

  const { deadLetters } = await bus.deadLetters.list()
  expect(deadLetters.map(({ reason }) => reason)).toEqual(Array(6).fill('no money'))
  const { lanes } = await bus.lanes.list()
  expect(lanes).toHaveLength(2)
  const { handler, partitionKey } = lanes[0]!
  expect(await bus.lanes.show({ handler, partitionKey })).toMatchObject({ state: 'blocked' })
  await bus.lanes.retry({ handler: 'email.thank', partitionKey: 'NL01' })
  await bus.lanes.skipHead({ handler: 'email.thank', partitionKey: 'NL02' })
  await bus.deadLetters.retry({ handler: 'finances.book' })
  await bus.worker().drain()
  await bus.deadLetters.dismiss({ all: true })
  await bus.worker().drain()
  expect((await bus.doctor()).filter(({ status }) => status === 'problem')).toEqual([])
  await onVictimsSession(`select * from postbus.prune('0', 100, '0', '0')`)
  await onVictimsSession(`select postbus.turn_history('0')`)
  await onVictimsSession(`select * from postbus.deliveries()`)
  expect((await bus.migrate()).steps).toEqual([])
}

async function onVictimsSession(statement: string, more?: (victim: Client) => Promise<void>) {
  const victim = new Client({ connectionString: database.connectionString })
  await victim.connect()
  try {
    await victim.query(statement)
    await more?.(victim)
  } finally {
    await victim.end()
  }
}
