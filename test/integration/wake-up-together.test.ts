/** Publishers that commit at the same moment: one of them wakes the workers, and no event is missed. Nothing here is found by a poll. */
import { Client } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { NoteTaken, handlerThat } from '../support/notes.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { until } from '../support/until.ts'

let opened: TestBus
let handled: number[]
let told: string[]
let ending: (() => Promise<unknown>)[]

beforeEach(async () => {
  handled = []
  told = []
  ending = []
  opened = await openTestBus({ handlers: [handlerThat((n) => void handled.push(n))] })
  await opened.database.query(`
    create table gate (number integer);
    create function wait_at_gate() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_xact_lock(new.number);
      return null;
    end $$;
    create constraint trigger wait_at_gate after insert on gate deferrable initially deferred
      for each row execute function wait_at_gate()`)
  const listener = await connected()
  listener.on('notification', ({ payload = '' }) => told.push(payload))
  await listener.query('listen postbus_postbus')
})

afterEach(async () => {
  for (const end of ending.toReversed()) await end()
  await opened.close()
})

test('if several commit together, one wakes the workers, and they find all events', async () => {
  await aWorkerThatNeverPolls()
  const gate = await aClosedGate(1)
  const first = await committing(1, gate)
  await publishedInATransaction(2)
  expect(told).toEqual([])

  await gate.open()
  await first.done
  await until('both are handled', () => handled.length === 2)

  expect(new Set(handled)).toEqual(new Set([1, 2]))
  expect(told).toEqual(['events'])
})

test('an event that is not visible yet when the workers are woken is looked for again', async () => {
  await aWorkerThatNeverPolls()
  const gate = await aClosedGate(1)
  const laterGate = await aClosedGate(2)
  const first = await committing(1, gate)
  const second = await committing(2, laterGate)

  await gate.open()
  await first.done
  await until('the first is handled', () => handled.length === 1)
  await laterGate.open()
  await second.done
  await until('the second is handled', () => handled.length === 2)

  expect(told).toEqual(['events'])
})

test('a transaction with several publishes wakes each queue once, and a rollback wakes no worker', async () => {
  const client = await connected()

  await client.query('begin')
  for (const n of [1, 2, 3]) await opened.bus.publish(NoteTaken({ n, key: n === 2 ? 'red' : null }), { tx: client })
  await client.query('savepoint part')
  await opened.bus.publish(NoteTaken({ n: 4 }), { tx: client })
  await client.query('rollback to part')
  await client.query('commit')
  await client.query('begin')
  await opened.bus.publish(NoteTaken({ n: 5 }), { tx: client })
  await client.query('rollback')
  await publishedInATransaction(6)
  await until('the last one is told', () => told.length === 2)

  expect(told.map((queues) => queues.split(' ').toSorted())).toEqual([['events', 'events_partitioned'], ['events']])
})

async function aWorkerThatNeverPolls(): Promise<void> {
  const worker = opened.bus.worker({ pollMs: 60_000, shutdownGraceMs: 100 })
  ending.push(() => worker.stop())
  await worker.start()
  await opened.bus.publish(NoteTaken({ n: 0 }))
  await until('it works and listens', () => handled.length === 1 && told.length === 1)
  handled.length = 0
  told.length = 0
}

interface Gate {
  readonly number: number
  open(): Promise<void>
}

async function aClosedGate(number: number): Promise<Gate> {
  const keeper = await connected()
  await keeper.query('select pg_advisory_lock($1)', [number])
  return { number, open: async () => void (await keeper.query('select pg_advisory_unlock($1)', [number])) }
}

/** Publishes in a transaction, and resolves when its commit waits at the gate. `done` resolves when it has committed. */
async function committing(n: number, gate: Gate): Promise<{ readonly done: Promise<unknown> }> {
  const client = await connected()
  await client.query('begin')
  await opened.bus.publish(NoteTaken({ n }), { tx: client })
  await client.query('insert into gate values ($1)', [gate.number])
  const done = client.query('commit')
  await until('it waits at the gate', async () => (await waiting()) >= n)
  return { done }
}

async function waiting(): Promise<number> {
  const { rows } = await opened.database.query<{ count: number }>(
    `select count(*)::integer as count from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query = 'commit'`,
  )
  return rows[0]?.count ?? 0
}

async function publishedInATransaction(n: number): Promise<void> {
  const client = await connected()
  await client.query('begin')
  await opened.bus.publish(NoteTaken({ n }), { tx: client })
  await client.query('commit')
}

async function connected(): Promise<Client> {
  const client = new Client({ connectionString: opened.connectionString })
  await client.connect()
  ending.push(() => client.end())
  return client
}
