/** A bus whose handler writes an effect in its transaction, and then does what the test says. */
import type { PoolClient } from 'pg'
import {
  createBus,
  defineBatchHandler,
  defineHandler,
  type AnyHandler,
  type Bus,
  type BusOptions,
  type EventOf,
  type TransactionalBatchContext,
  type TransactionalContext,
} from '../../src/index.ts'
import { openTestBus, type TestBus } from './bus.ts'
import { NoteTaken } from './notes.ts'
import { emptyTables } from './stored.ts'

export type Does = (n: number, context: TransactionalContext, tx: PoolClient) => unknown

let opened: TestBus

/** For `beforeAll`. */
export async function openEffects({ ownServer = false } = {}): Promise<TestBus> {
  opened = await openTestBus({}, { ownServer })
  await opened.database.query('create table effect (n integer, attempt integer)')
  return opened
}

export async function emptyEffects(): Promise<void> {
  await emptyTables(opened.database)
  await opened.database.query('truncate effect, postbus.completion')
}

export interface How {
  readonly isolation?: string
  readonly beforeCommit?: () => Promise<void>
  readonly afterCommit?: () => Promise<void>
}

export function busWith(does: Does, handler: object = {}, how: How = {}): Bus {
  return createBus({
    ...options(),
    handlers: [handlerThat(does, handler)],
    transaction: (work) => inTransaction(work, how),
  })
}

export function options(): BusOptions {
  return { connectionString: opened.connectionString, onSignal: () => undefined }
}

export function handlerThat(does: Does, handler: object = {}): AnyHandler {
  return defineHandler('notes.take', {
    on: NoteTaken,
    ...handler,
    transactional: true,
    async handle({ data }, context) {
      const tx = context.tx as PoolClient
      await tx.query('insert into effect values ($1, $2)', [data.n, context.attempt])
      return does(data.n, context, tx)
    },
  })
}

export type DoesBatch = (
  numbers: readonly number[],
  context: TransactionalBatchContext<EventOf<typeof NoteTaken>>,
  events: readonly EventOf<typeof NoteTaken>[],
) => unknown

/** A bus whose batch handler writes the effects of all events before it does what the test says. */
export function batchBusWith(does: DoesBatch, handler: object = {}, how: How = {}): Bus {
  const storing = defineBatchHandler('notes.take', {
    on: NoteTaken,
    backoff: { initialMs: 1, factor: 1, jitter: 0 },
    maxWaitMs: 50,
    ...handler,
    transactional: true,
    async handle(events, context) {
      const tx = context.tx as PoolClient
      const attempts = events.map((event) => context.deliveryOf(event).attempt)
      const numbers = events.map(({ data }) => data.n)
      await tx.query('insert into effect select * from unnest($1::integer[], $2::integer[])', [numbers, attempts])
      return does(numbers, context, events)
    },
  })
  return createBus({ ...options(), handlers: [storing], transaction: (work) => inTransaction(work, how) })
}

async function inTransaction(
  work: (tx: PoolClient) => Promise<void>,
  { isolation = 'read committed', beforeCommit, afterCommit }: How,
): Promise<void> {
  const client = await opened.database.connect()
  try {
    await client.query(`begin isolation level ${isolation}`)
    await work(client)
    await beforeCommit?.()
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
  await afterCommit?.()
}

/** A transaction object that runs each statement on its own, which cannot be noticed from outside. */
export function autocommitting(): never {
  const query = (text: string, values: unknown[]) => opened.database.query(text, values)
  return { executeSql: query, query } as never
}

export function heartbeat(): Promise<unknown> {
  return opened.database.query(`update pgboss.job set heartbeat_on = clock_timestamp() where state = 'active'`)
}

export async function effects(): Promise<readonly string[]> {
  const { rows } = await opened.database.query<{ n: number; attempt: number }>('select * from effect order by n')
  return rows.map(({ n, attempt }) => `${n}/${attempt}`)
}

export async function storedEvents(): Promise<number> {
  return (await opened.database.query('select from postbus.event')).rowCount ?? -1
}

export async function left() {
  const { rows } = await opened.database.query<{ deliveries: number; completions: number }>(
    `select (select count(*)::integer from pgboss.job where state < 'completed') as deliveries,
      (select count(*)::integer from postbus.completion) as completions`,
  )
  return rows[0]!
}
