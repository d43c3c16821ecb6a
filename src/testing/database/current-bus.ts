/** Finds the bus that a test means when it names none: the bus of the test database that it has open. */
import type { Bus } from '../../bus.ts'
import { partsOf, type BusParts } from '../../publishing/backend-override.ts'
import type { PostgresBackend } from '../../backends/postgres/postgres-backend.ts'
import { PostbusError } from '../../errors.ts'
import { state } from '../state.ts'
import type { TestBus } from '../test-bus.ts'

/** The bus of each database that is open in this process, and the test that opened it. To keep this is the module's purpose. */
const open = new Map<Bus, TestBus | undefined>()

/** From now until the returned function is called, code of this test that names no bus means this one. */
export function isUnderTest(bus: Bus): () => void {
  open.set(bus, state.current.getStore())
  return () => void open.delete(bus)
}

/** The parts of a bus that is on a database. */
export type DatabaseBus = BusParts & { readonly backend: PostgresBackend }

/** @throws {PostbusError} `POSTBUS_NO_TEST_BUS` when it is not clear which bus is meant, or `given` is not a bus on a database. */
export function busUnderTest(given: Bus | undefined): DatabaseBus {
  const [bus, another] = given ? [given] : openHere()
  if (another) throw noTestBus('several test databases are open at once')
  if (bus === undefined) throw noTestBus('no test database is open')
  const parts = partsOf(bus)
  if (!parts) throw noTestBus('what was given is not a bus: expected what createBus() returns')
  if (!isOnDatabase(parts)) throw noTestBus(`the bus has the backend "${parts.kind}", which stores no deliveries`)
  return parts
}

/** The buses of the calling test, or all if it has none. Without the setup file the calling test is unknown, so all may be meant. */
function openHere(): readonly Bus[] {
  const test = state.current.getStore()
  const own = [...open].filter(([, owner]) => owner === test)
  return (own.length > 0 ? own : [...open]).map(([bus]) => bus)
}

function isOnDatabase(parts: BusParts): parts is DatabaseBus {
  return parts.kind === 'postgres'
}

function noTestBus(why: string): PostbusError {
  return new PostbusError(
    'POSTBUS_NO_TEST_BUS',
    `Which bus? Here ${why}. Pass one that is on a database: drainEvents({ bus }).`,
  )
}
