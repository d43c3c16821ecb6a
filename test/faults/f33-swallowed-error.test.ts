/** F33: the application swallows an error inside its transaction and commits: all that it did there is committed, or nothing. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { clients } from '../support/clients.ts'
import type { OpenClient } from '../support/clients/open-client.ts'
import { emptyTables, storedCounts } from '../support/stored.ts'
import { STEADY, TaskAdded, tracedHandler, type Task } from './tasks.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({ handlers: [tracedHandler(STEADY, async () => undefined)] })
  await opened.database.query('create table orders (id integer)')
})

beforeEach(async () => {
  await emptyTables(opened.database)
  await opened.database.query('truncate orders')
})

afterAll(() => opened.close())

describe.each(clients)('$name', ({ open }) => {
  let client: OpenClient

  beforeEach(async () => {
    client = await open(opened.connectionString)
    return () => client.close()
  })

  test('F33: after a swallowed error of the database a publish says so, and the commit leaves neither row nor event', async () => {
    const refused: unknown[] = []
    const commit = client.inTransaction(async ({ tx, run }) => {
      await run('insert into orders values (1)')
      await opened.bus.publish(TaskAdded({}), { tx })
      await run('select 1 / 0').catch(() => undefined)
      await opened.bus.publish(TaskAdded({}), { tx }).catch((error: unknown) => refused.push(error))
    })

    await commit.catch(() => undefined) // some clients report that the commit was a rollback, some do not
    expect(refused).toEqual([expect.objectContaining({ code: 'POSTBUS_TRANSACTION_ABORTED' })])
    expect(await stored()).toEqual({ orders: 0, events: 0, deliveries: 0 })
  })

  test('F33: a publish that was refused before any SQL, and swallowed, costs the transaction nothing', async () => {
    await client.inTransaction(async ({ tx, run }) => {
      await run('insert into orders values (1)')
      const tooLarge = TaskAdded({ for: 'x'.repeat(2_000_000) } satisfies Task)
      await opened.bus.publish([TaskAdded({}), tooLarge], { tx }).catch(() => undefined)
      await opened.bus.publish(TaskAdded({}), { tx })
    })

    expect(await stored()).toEqual({ orders: 1, events: 1, deliveries: 1 })
  })
})

async function stored() {
  const { rows } = await opened.database.query<{ orders: number }>('select count(*)::integer as orders from orders')
  return { ...rows[0], ...(await storedCounts(opened.database)) }
}
