/** Middleware on Postgres: hooks run around every publish and every handler, on each path that an event can take. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { PoolClient } from 'pg'
import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import {
  createBus,
  defineEvent,
  defineHandler,
  failed,
  type AnyHandler,
  type Bus,
  type BusOptions,
} from '../../src/index.ts'
import { drainEvents } from '../../src/testing/index.ts'
import { z } from 'zod'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'

const Ended = defineEvent('imports.ended', { schema: z.object({}) })
const Started = defineEvent('imports.started', { schema: z.object({}), finishedEvent: () => Ended({}) })
const around = new AsyncLocalStorage<PoolClient>()
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({}, { ownServer: true })
  await opened.database.query('create table written (n integer)')
  return () => opened.close()
})

beforeEach(async () => {
  await emptyTables(opened.database)
  await opened.database.query('truncate written')
})

test('hooks run around deliveries, reads of the log, finishers, replays, and publishes of handlers', async () => {
  const handled: string[] = []
  const published: string[] = []
  const bus = busWith(
    [
      defineHandler('imports.read', { on: Started, handle: () => undefined }),
      defineHandler('imports.index', { on: Started, delivery: 'log', shards: 1, handle: () => undefined }),
    ],
    {
      publish: ({ events }, next) => (published.push(...events.map(({ type }) => type)), next()),
      handle: ({ handler, context }, next) => (handled.push(`${handler} ${context.isReplay}`), next()),
    },
  )
  await bus.migrate()

  await bus.publish(Started({}))
  await drained(bus)
  await (
    await bus.replay({ handler: 'imports.read' })
  ).done
  await drained(bus)

  expect(handled.toSorted()).toEqual([
    'imports.index false',
    'imports.read false',
    'imports.read true',
    'postbus.finished.imports.started false',
  ])
  expect(published).toEqual(['imports.started', 'imports.ended'])
})

test('a hook gives a publish its transaction, and an error that the hook throws afterwards rolls the event back', async () => {
  let fails = false
  const bus = busWith([], {
    publish: ({ tx }, next) =>
      tx
        ? next()
        : inTransaction(async (client) => {
            await next({ tx: client, metadata: { tenant: 'acme' } })
            if (fails) throw new Error('no')
          }),
  })

  await bus.publish(NoteTaken({ n: 1 }))
  fails = true
  await expect(bus.publish(NoteTaken({ n: 2 }))).rejects.toThrow('no')
  await inTransaction((client) => bus.publish(NoteTaken({ n: 3 }), { tx: client }))

  const { events } = await opened.bus.events.list()
  expect(events.map(({ data, metadata }) => [(data as { n: number }).n, metadata])).toEqual([
    [3, {}],
    [1, { tenant: 'acme' }],
  ])
})

test('a hook cannot move a publish from its transaction to another one', async () => {
  const bus = busWith([], { publish: (_, next) => inTransaction((client) => next({ tx: client })) })

  const publishing = inTransaction((client) => bus.publish(NoteTaken({ n: 1 }), { tx: client }))

  await expect(publishing).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
  expect((await opened.bus.events.list()).events).toEqual([])
})

test('a hook runs a transaction around each attempt, and the writes and events of a failed attempt are rolled back', async () => {
  const write = (n: number) => around.getStore()!.query('insert into written values ($1)', [n])
  const handler = handlerThat(
    async (n, { attempt, publish }) => {
      await write(n)
      if (n < 10) await publish(NoteTaken({ n: n + 10 }))
      if (n === 1 && attempt === 1) return failed('once')
      if (n === 2 && attempt === 1) throw new Error('once')
      return undefined
    },
    { backoff: () => 0 },
  )
  const bus = busWith(
    [handler],
    {
      handle: (_, next) =>
        inTransaction(async () => {
          const value = await next()
          if (isFailed(value)) throw new Error(value.reason)
        }),
    },
    { currentTransaction: () => around.getStore() },
  )

  await bus.publish([1, 2, 3].map((n) => NoteTaken({ n })))
  await drained(bus)

  const { rows } = await opened.database.query<{ n: number }>('select n from written order by n')
  expect(rows.map(({ n }) => n)).toEqual([1, 2, 3, 11, 12, 13])
})

test('the drain of a test runs the hooks, also inside a transaction', async () => {
  const seen: number[] = []
  const bus = busWith([handlerThat(() => undefined)], {
    handle: ({ event }, next) => (seen.push((event as unknown as { data: { n: number } }).data.n), next()),
  })
  await bus.publish(NoteTaken({ n: 1 }))
  await drainEvents({ bus })

  await inTransaction(async (client) => {
    await bus.publish(NoteTaken({ n: 2 }), { tx: client })
    await drainEvents({ bus, tx: client })
  })

  expect(seen).toEqual([1, 2])
})

function busWith(
  handlers: readonly AnyHandler[],
  middleware: NonNullable<BusOptions['middleware']>[number],
  options: BusOptions = {},
): Bus {
  const { connectionString } = opened
  const bus = createBus({ connectionString, handlers, middleware: [middleware], onSignal: () => undefined, ...options })
  onTestFinished(() => bus.close())
  return bus
}

/** A transaction of the application. The hooks find it in the async context. */
async function inTransaction<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
  const client = await opened.database.connect()
  try {
    await client.query('begin')
    const result = await around.run(client, () => work(client))
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}

function isFailed(value: unknown): value is { reason: string } {
  return typeof value === 'object' && value !== null && 'is' in value && value.is === 'failed'
}
