/** A bus on a fresh, migrated database of its own, with everything it signalled kept for the test to look at. */
import { Pool } from 'pg'
import { inject } from 'vitest'
import { createBus, type Bus, type BusOptions, type BusSignal, type BusSignalName } from '../../src/index.ts'
import { createDatabase } from './database.ts'
import { startEmbeddedServer } from './embedded-server.ts'

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
 * On a server of its own, if it asks what is older than every transaction: one of another test, in any database, holds that back.
 */
export async function openTestBus(options: BusOptions = {}, { ownServer = false } = {}): Promise<TestBus> {
  const created = ownServer ? await onOwnServer() : await newDatabase(options)
  const { connectionString } = created
  const signals: BusSignal[] = []
  const bus = createBus({ connectionString, onSignal: (signal) => signals.push(signal), ...options })
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
  // To copy a migrated database takes half the time of migrating one. The queues of the bus are still to be made.
  const isUsual = schema === undefined && pgbossSchema === undefined
  return createDatabase(isUsual ? { template: inject('migrated') } : {})
}

async function onOwnServer() {
  const { connectionString, remove } = await startEmbeddedServer()
  return { connectionString, drop: remove }
}
