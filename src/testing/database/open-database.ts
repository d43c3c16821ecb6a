/** Opens a test database: the run's server, the template, a free copy of it or a new one, and the application's bus on it. */
import { createHash } from 'node:crypto'
import type { Bus } from '../../bus.ts'
import { PostbusError } from '../../errors.ts'
import type { OpenTestDatabase, TestDatabaseOptions } from './test-database.ts'
import { testClock } from '../time/test-clock.ts'
import { connectTo } from './administration.ts'
import { clean } from './cleaning.ts'
import { busUnderTest, type DatabaseBus } from './current-bus.ts'
import { endLease, lease, type Lease } from './lease.ts'
import { serverOfThisRun, type RunningServer } from './run.ts'
import { ensureTemplate } from './template.ts'

export type OpenedDatabase<B extends Bus> = OpenTestDatabase<B>

/** The name of the database that each bus is on: two databases cannot share a bus. */
const databases = new WeakMap<Bus, string>()

/** `place` is the place in the code that asks for the database. All calls from the same place share one template. */
export async function openDatabase<B extends Bus>(
  options: TestDatabaseOptions<B>,
  place: string,
): Promise<OpenedDatabase<B>> {
  const server = await serverOfThisRun(options.databaseUrl)
  const template = templateName(server, options, place)
  const leased = await lease(server.connectionString, template)
  try {
    const bus = await busOn(leased, options)
    const parts = busUnderTest(bus)
    if (!leased.exists) await makeDatabase({ leased, template, parts, server, options })
    const database = await opened({ leased, bus, parts, server })
    if (leased.exists) await database.clean()
    return database
  } catch (error) {
    await endLease(leased) // an open connection would keep the process from ending
    throw error
  }
}

interface Making<B extends Bus> {
  readonly leased: Lease
  readonly template: string
  readonly parts: DatabaseBus
  readonly server: RunningServer
  readonly options: TestDatabaseOptions<B>
}

async function makeDatabase<B extends Bus>({ leased, template, parts, server, options }: Making<B>): Promise<void> {
  const { migrate, keepTables = [] } = options
  await ensureTemplate({ server: server.connectionString, name: template, bus: parts, migrate, keepTables })
  await leased.holder.query(`create database "${leased.name}" template "${template}"`)
}

/** The name is the same in every process of a run, and differs for each place in the code, since each has its own migrations. */
function templateName<B extends Bus>(
  { prefix }: RunningServer,
  options: TestDatabaseOptions<B>,
  place: string,
): string {
  const what = [place, options.bus, options.migrate, options.keepTables].join('\n')
  return `${prefix}_${createHash('sha256').update(what).digest('hex').slice(0, 8)}`
}

async function busOn<B extends Bus>({ name, connectionString }: Lease, options: TestDatabaseOptions<B>): Promise<B> {
  const bus = await options.bus(connectionString)
  const another = databases.get(bus)
  if (another !== undefined && another !== name) throw sameBus()
  databases.set(bus, name)
  return bus
}

interface Parts<B extends Bus> {
  readonly leased: Lease
  readonly bus: B
  readonly parts: DatabaseBus
  readonly server: RunningServer
}

async function opened<B extends Bus>({ leased, bus, parts, server }: Parts<B>): Promise<OpenedDatabase<B>> {
  const { name, connectionString, holder } = leased
  const client = await connectTo(connectionString)
  const clock = await testClock({ connection: { pool: async () => client }, tables: parts.backend.tables })
  return Object.freeze({
    bus,
    name,
    connectionString,
    async clean() {
      await clean(client)
      await clock.reset()
    },
    async keep(why: string) {
      const comment = `postbus test database, kept: ${why}`.replaceAll("'", "''")
      await holder.query(`comment on database "${name}" is '${comment}'`)
      return `psql '${server.isOurs ? connectionString : withoutPassword(connectionString)}'`
    },
    async close() {
      await bus.close()
      await client.end()
      await endLease(leased)
    },
  })
}

/** For a server that we did not start: its owner knows the password, and others may read the log. */
function withoutPassword(connectionString: string): string {
  const url = new URL(connectionString)
  url.password = ''
  return url.href
}

function sameBus(): PostbusError {
  return new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    'testDatabase(): `bus` returned a bus that is on another test database already. Return a new one at each call: ' +
      'bus: (connectionString) => createBus({ connectionString, handlers }). If your application has one bus for the whole ' +
      'process, open one database for the process with openTestDatabase().',
  )
}
