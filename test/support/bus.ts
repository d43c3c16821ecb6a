/** A bus on a fresh, migrated database of its own. All its signals are kept for the test. */
import { Pool } from 'pg'
import { inject } from 'vitest'
import { createBus, type Bus, type BusOptions, type BusSignal, type BusSignalName } from '../../src/index.ts'
import { createDatabase } from './database.ts'
import { startEmbeddedServer } from './embedded-server.ts'
import { testEngine } from './test-engine.ts'

export interface TestBus {
  readonly bus: Bus
  readonly connectionString: string
  /** Plain connections to the same database, for looking at what was stored. */
  readonly database: Pool
  readonly signals: readonly BusSignal[]
  signalsNamed(name: BusSignalName): readonly BusSignal[]
  close(): Promise<void>
}

/**
 * Opens a bus for one test file or one test. `close` drops the database.
 * Give it its own server if the test depends on the server's oldest open transaction: one of another test, in any database, counts too.
 */
export async function openTestBus(options: BusOptions = {}, { ownServer = false } = {}): Promise<TestBus> {
  const created = ownServer ? await onOwnServer() : await newDatabase(options)
  const { connectionString } = created
  const signals: BusSignal[] = []
  const bus = createBus({
    connectionString,
    ...testEngine(),
    onSignal: (signal) => signals.push(signal),
    ...options,
  })
  const database = new Pool({ connectionString, max: 10 })
  database.on('error', () => undefined)
  await bus.migrate()

  return {
    bus,
    connectionString,
    database,
    signals,
    signalsNamed: (name) => signals.filter((signal) => signal.name === name),
    async close() {
      await bus.close()
      await database.end()
      await created.drop()
    },
  }
}

async function newDatabase({ schema, pgbossSchema }: BusOptions) {
  // Copying a migrated database takes half the time of migrating one. The copy does not have the queues of the bus yet.
  const isUsual = schema === undefined && pgbossSchema === undefined
  return createDatabase(isUsual ? { template: inject('migrated') } : {})
}

async function onOwnServer() {
  const { connectionString, remove } = await startEmbeddedServer()
  return { connectionString, drop: remove }
}
