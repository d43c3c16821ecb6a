/** Which bus a test means when it names none: the one of the test database it has open. */
import type { Bus } from '../../bus.ts'
import { partsOf, type BusParts } from '../../publishing/backend-override.ts'
import type { PostgresBackend } from '../../backends/postgres/postgres-backend.ts'
import { PostbusError } from '../../errors.ts'
import { state } from '../state.ts'
import type { TestBus } from '../test-bus.ts'

/** The buses of the databases that are open now, in this process, and whose they are: that is what this module is for. */
const open = new Map<Bus, TestBus | undefined>()

/** Until the function that it returns is called, code of this test that names no bus means this one. */
export function isUnderTest(bus: Bus): () => void {
  open.set(bus, state.current.getStore())
  return () => void open.delete(bus)
}

/** What a bus on a database is made of. */
export type DatabaseBus = BusParts & { readonly backend: PostgresBackend }

/** @throws {PostbusError} `POSTBUS_NO_TEST_BUS` when it is not clear which bus is meant, or what was given is none. */
export function busUnderTest(given: Bus | undefined): DatabaseBus {
  const [bus, another] = given ? [given] : openHere()
  if (another) throw noTestBus('several test databases are open at once')
  if (bus === undefined) throw noTestBus('no test database is open')
  const parts = partsOf(bus)
  if (!parts) throw noTestBus('what was given is not a bus: expected what createBus() returns')
  if (!isOnDatabase(parts)) throw noTestBus(`the bus has the backend "${parts.kind}", which stores no deliveries`)
  return parts
}

/** Those of the test that asks. Without the setup file it is not known which test asks, and all may be meant. */
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
