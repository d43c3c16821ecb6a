/**
 * The rows that a claim and a settle read depend neither on the backlog nor on the statistics of Postgres. The plans here are made while
 * the table is empty, as in a worker that starts with an empty queue.
 */
import { Client } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { claimFrom } from '../../src/backends/postgres/deliveries/claim.ts'
import { settleDeliveries } from '../../src/backends/postgres/deliveries/settle.ts'
import { tablesIn } from '../../src/backends/postgres/schema/tables.ts'
import type { ClaimedDelivery, Settlement } from '../../src/deliveries/delivery.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'

const BATCH = 20
const BEHIND = 3
let opened: TestBus
let session: Client

beforeEach(async () => {
  opened = await openTestBus({ handlers: [handlerThat(() => undefined)] })
  session = new Client({ connectionString: opened.connectionString })
  await session.connect()
})

afterEach(async () => {
  await session.end()
  await opened.close()
})

test.each([
  ['in lanes', 'events_partitioned', (n: number) => `key ${n % 2_000}`],
  ['in one lane', 'events_partitioned', () => 'hot'],
  ['without keys', 'events', () => null],
] as const)('%s, with plans made while nothing waited', async (_, queue, keyOf) => {
  const { claim, settle } = functionsOf(queue)
  for (let turn = 0; turn < 3; turn += 1) {
    await claim()
    await settle([])
  }
  for (let start = 0; start < 10_000; start += 1_000) {
    const notes = Array.from({ length: 1_000 }, (__, n) => NoteTaken({ n: start + n, key: keyOf(start + n) }))
    await opened.bus.publish(notes)
  }

  const before = await rowsRead()
  for (let turn = 0; turn < 10; turn += 1) await settle(await claim())
  const read = (await rowsRead()) - before

  expect(read / (10 * BATCH)).toBeLessThan(30)
})

function functionsOf(queue: string) {
  const tables = tablesIn({ postbus: 'postbus', pgboss: 'pgboss' })
  const claimOf = claimFrom(queue, tables)
  return {
    claim: async () => (await claimOf(session, BATCH, { behind: BEHIND })).deliveries,
    /** Settles each claimed delivery together with its run. */
    settle: (claimed: readonly ClaimedDelivery[]) =>
      settleDeliveries(session, tables, { queue, settlements: claimed.map(ofWholeRun) }),
  }
}

function ofWholeRun(head: ClaimedDelivery): Settlement {
  const ran = [head, ...head.behind].map((delivery) => ({ delivery, tookMs: 1 }))
  const last = ran.pop()!
  return { ...last, is: 'done', ran, takeNext: true, behind: BEHIND }
}

/** The number of rows of the table that all sessions have read so far, by any plan. */
async function rowsRead(): Promise<number> {
  await session.query('select pg_stat_force_next_flush()')
  const { rows } = await session.query<{ read: string }>(
    `select seq_tup_read + idx_tup_fetch as read from pg_stat_all_tables where relname = 'job_common'`,
  )
  return Number(rows[0]?.read)
}
