/**
 * Pruning at the same moment as everything else, with transactions held open: it waits for no other transaction, delays none, and
 * never deletes a row that another transaction is about to need.
 */
import type { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createBus } from '../../src/index.ts'
import { HANDLERS, NOTHING, openAttic, writeLetters, type Attic } from '../support/pruning.ts'
import { NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'

const ID = '01900000-0000-7000-8000-000000000001'
const RETRY = `update pgboss.job set state = 'retry', start_after = now(), completed_on = null where name = 'mail'`
let attic: Attic

beforeAll(async () => {
  attic = await openAttic()
})

beforeEach(() => attic.empty())

afterAll(() => attic.close())

test.each([
  [
    'a delivery is settled',
    'active',
    `update pgboss.job set state = 'completed', completed_on = now() - interval '2 h'`,
  ],
  ['a cancelled delivery is resumed by hand', 'cancelled', RETRY],
  ['a delivery is written again, as pg-boss does when one fails', 'completed', REWRITTEN()],
])('while %s, its event stays, and no transaction waits', async (_, state, change) => {
  await anEndedEvent()
  await attic.database.query(`update pgboss.job set state = $1::pgboss.job_state where name = 'mail'`, [state])
  const other = await begun()
  await other.query(`${change} ${change.includes('where') ? '' : `where name = 'mail'`}`)
  const pruner = await attic.connect()

  const turn = await attic.prune(pruner)
  await other.query('commit')

  expect(turn).toMatchObject({ pruned: 0 })
  expect(await attic.stored()).toMatchObject({ events: 1, deliveries: 2 })
})

test('an operator who retries a dead letter during a pruning loses nothing', async () => {
  await anEndedEvent()
  await attic.database.query(`update pgboss.job set state = 'failed' where name = 'mail'`)
  await writeLetters(attic, { discarded: false })
  const pruner = await begun()
  await attic.prune(pruner)

  const retried = attic.bus.deadLetters.retry({ all: true })
  await pruner.query('commit')

  expect(await retried).toEqual({ count: 1 })
  await attic.hoursPass(9)
  await attic.pruneAll()
  expect(await attic.stored()).toMatchObject({ events: 1, deliveries: 2, letters: 0 })
})

test('an event whose row another transaction locks stays, so deliveries can be added to it', async () => {
  const id = await anEndedEvent()
  const other = await begun()
  await other.query('select from postbus.event where id = $1 for key share', [id])
  const pruner = await attic.connect()

  expect(await attic.prune(pruner)).toEqual({ pruned: 0, more: false })
  await other.query('commit')
  await attic.pruneAll()
  expect(await attic.stored()).toEqual(NOTHING)
})

test('if two processes prune at once, the second has nothing to do, and does not wait', async () => {
  await anEndedEvent()
  const [first, second] = [await begun(), await attic.connect()]
  await attic.prune(first)

  expect(await attic.prune(second)).toBeNull()

  await first.query('commit')
  expect(await attic.stored()).toEqual(NOTHING)
})

test('no process prunes again before the time between two turns has passed', async () => {
  const ask = () => attic.database.query(`select * from postbus.prune('1 hour', 1000, '1 minute', '0')`)
  await attic.prune()

  expect((await ask()).rows).toEqual([])
  await attic.database.query(`update postbus.pruning set pruned_at = now() - interval '1 minute'`)
  expect((await ask()).rows).toHaveLength(1)
  expect((await ask()).rows).toEqual([])
})

test.each([
  ['commit', { duplicate: false, deliveries: 2 }],
  ['rollback', { duplicate: true, deliveries: 0 }],
])('an id that is being pruned is published again completely, or is a duplicate: %s', async (end, expected) => {
  await anEndedEvent(ID)
  const pruner = await begun()
  await attic.prune(pruner)

  const published = attic.bus.publish(NoteTaken({ n: 2 }, { id: ID }))
  await until('the publish waits for the pruning to end', () => someoneWaits())
  await pruner.query(end)

  expect((await published).events).toEqual([{ id: ID, ...expected }])
  expect(await attic.stored()).toMatchObject({ events: 1, deliveries: 2 })
})

test('an id is a duplicate as long as its event is kept', async () => {
  await anEndedEvent(ID)
  const again = async () => (await attic.bus.publish(NoteTaken({ n: 2 }, { id: ID }))).events[0]

  expect(await again()).toMatchObject({ duplicate: true })
  await attic.prune()
  expect(await again()).toMatchObject({ duplicate: false, deliveries: 2 })
})

test('an event whose transaction commits late, behind the position of the pruning, is handled, and is pruned in the end', async () => {
  const late = await begun()
  await attic.bus.publish(NoteTaken({ n: 1 }), { tx: late })
  await late.query(`update postbus.event set published_at = now() - interval '9 hours'`)
  await attic.publish()
  await attic.completeAll()
  await attic.hoursPass(2)
  expect(await attic.prune(undefined, { begins: 'behind' })).toEqual({ pruned: 1, more: false })

  await late.query('commit')
  await attic.prune()
  await attic.prune()
  expect(await attic.stored()).toMatchObject({ events: 1, deliveries: 2 })

  const worker = attic.bus.worker()
  expect(await worker.drain()).toMatchObject({ done: 2 })
  await attic.hoursPass(2)
  await attic.prune()
  await attic.prune()
  expect(await attic.stored()).toEqual(NOTHING)
})

test('during a pruning others publish, claim, settle, recover and dismiss', async () => {
  await anEndedEvent()
  await attic.publish({ key: 'red' })
  await attic.publish()
  await attic.database.query(`update pgboss.job set state = 'active', heartbeat_on = '2020-01-01', started_on = now()
    where name = 'mail' and state = 'created'`)
  const pruner = await begun()
  expect(await attic.prune(pruner)).toMatchObject({ pruned: 1 })

  const url = new URL(attic.opened.connectionString)
  url.searchParams.set('options', '-c lock_timeout=200')
  const other = createBus({ connectionString: url.href, handlers: HANDLERS, onSignal: () => undefined })
  await other.publish([NoteTaken({ n: 2, key: 'red' }), NoteTaken({ n: 3 })])
  const worker = other.worker()
  await worker.start()
  await until('everything is handled', async () => {
    const { rows } = await attic.database.query(`select from pgboss.job where state < 'completed'`)
    return rows.length === 0
  })
  await other.deadLetters.dismiss({ all: true })
  await pruner.query('rollback')

  await worker.stop()
  await other.close()
})

/** Publishes an event whose last delivery ended two hours ago. */
async function anEndedEvent(given?: string): Promise<string> {
  const id = await attic.publish(given === undefined ? {} : { id: given })
  await attic.completeAll()
  await attic.hoursPass(2)
  return id
}

async function begun(): Promise<Client> {
  const client = await attic.connect()
  await client.query('begin')
  return client
}

async function someoneWaits(): Promise<boolean> {
  const { rowCount } = await attic.database.query(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return (rowCount ?? 0) > 0
}

function REWRITTEN(): string {
  return `with gone as (delete from pgboss.job where name = 'mail' returning *)
    insert into pgboss.job (id, name, data, state) select id, name || '', data, 'retry' from gone where true on conflict do nothing`
}
