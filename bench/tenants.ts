/** Measures the cost of a worker for many tenants: `node bench/tenants.ts [tenants] [seconds]`. Prints connections, statements and memory, idle and at work. */
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler } from '../src/index.ts'
import { benchServer } from './databases.ts'
import { countStatements } from './statement-counter.ts'

const [tenantCount = 50, seconds = 30] = process.argv.slice(2).map(Number)
const EVENTS_EACH = 200

const Noted = defineEvent('notes.noted', { schema: z.object({ n: z.int() }) })
let handled = 0
const count = defineHandler('notes.count', { on: Noted, handle: () => void (handled += 1) })

const server = await benchServer()
const database = await server.create()
const names = Array.from({ length: tenantCount }, (_, n) => `tenant_${n}`)
const counter = await countStatements(database.connectionString)
const looking = new Client({ connectionString: database.connectionString })
await looking.connect()

const migrating = createBus({ connectionString: database.connectionString, handlers: [count], tenants: () => names })
const began = performance.now()
const failed = (await migrating.tenants.migrate()).filter(({ is }) => is === 'failed')
if (failed.length > 0) throw new Error(`${failed.length} tenants could not be migrated`)
print('migrated', { tenants: tenantCount, seconds: (performance.now() - began) / 1_000 })
await migrating.close()

for (const used of [1, tenantCount]) {
  handled = 0
  const bus = createBus({
    connectionString: counter.connectionString,
    handlers: [count],
    tenants: () => names.slice(0, used),
    onSignal: () => undefined,
  })
  const worker = bus.tenants.worker()
  await worker.start()
  await delay(5_000)
  print('idle', { tenants: used, ...(await measured(() => delay(seconds * 1_000))), ...(await connections()) })

  const tenants = await bus.tenants.list()
  const events = Array.from({ length: EVENTS_EACH }, (_, n) => Noted({ n }))
  const left = () => used * EVENTS_EACH - handled
  const work = async () => {
    await Promise.all(tenants.map((tenant) => tenant.publish(events)))
    while (left() > 0) await delay(20)
  }
  const { elapsedMs, ...cost } = await measured(work)
  print('at work', {
    tenants: used,
    eventsPerSecond: (used * EVENTS_EACH * 1_000) / elapsedMs,
    ...cost,
    ...(await connections()),
  })
  await worker.stop()
  await bus.close()
}
await looking.end()
await counter.stop()
await database.drop()
await server.stop()

async function measured(work: () => Promise<unknown>) {
  const [statements, cpu, at] = [counter.statements(), process.cpuUsage(), performance.now()]
  await work()
  const elapsedMs = performance.now() - at
  const { user, system } = process.cpuUsage(cpu)
  return {
    elapsedMs,
    statementsPerSecond: ((counter.statements() - statements) * 1_000) / elapsedMs,
    percentOfACore: (user + system) / 10 / elapsedMs,
    residentMb: process.memoryUsage().rss / 1_000_000,
  }
}

async function connections() {
  const { rows } = await looking.query<{ connections: number }>(
    `select count(*)::integer as connections from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and application_name like 'postbus%'`,
  )
  return rows[0]!
}

function print(what: string, figures: Readonly<Record<string, number>>): void {
  const rounded = Object.entries(figures).map(([name, value]) => `${name} ${Math.round(value * 10) / 10}`)
  console.log(`${what}: ${rounded.join(', ')}`)
}
