/** Which bus a test means when it names none: the one of the test database it has open. */
import type { Bus } from '../../bus.ts'
import { partsOf, type BusParts } from '../../backend-override.ts'
import type { PostgresBackend } from '../../backends/postgres/postgres-backend.ts'
import { PostbusError } from '../../errors.ts'

/** The buses of the databases that are open now, in this process: that is what this module is for. */
const open = new Set<Bus>()

/** Until the answer is called, tests that name no bus mean this one. */
export function isUnderTest(bus: Bus): () => void {
  open.add(bus)
  return () => void open.delete(bus)
}

/** What a bus on a database is made of. */
export type DatabaseBus = BusParts & { readonly backend: PostgresBackend }

/** @throws {PostbusError} `POSTBUS_NO_TEST_BUS` when it is not clear which bus is meant, or what was given is none. */
export function busUnderTest(given: Bus | undefined): DatabaseBus {
  const [bus = given, another] = given ? [given] : open
  if (another) throw noTestBus('several test databases are open at once')
  if (bus === undefined) throw noTestBus('no test database is open')
  const parts = partsOf(bus)
  if (!parts) throw noTestBus('what was given is not a bus: expected what createBus() returns')
  if (!isOnDatabase(parts)) throw noTestBus(`the bus has the backend "${parts.kind}", which stores no deliveries`)
  return parts
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
