/** A settle reports the end of an event only if the event is watched; and a wait for a tree of causes never ends too early. */
import type { Client } from 'pg'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Connection } from '../../src/backends/postgres/connection.ts'
import { createConnection } from '../../src/backends/postgres/connection.ts'
import { waitsOn } from '../../src/backends/postgres/record/ends.ts'
import { tablesIn } from '../../src/backends/postgres/schema/tables.ts'
import { createCodec } from '../../src/codec/codec.ts'
import { lazyRegistry } from '../../src/handlers/lazy-registry.ts'
import { discard, skip, type AnyHandler, type Bus } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { anotherBus, handlerThat, NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'

const tables = tablesIn({ postbus: 'postbus', pgboss: 'pgboss' })
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus()
  return () => opened.close()
})

test.each([
  ['done', () => undefined],
  ['skipped', () => skip('no')],
  ['dead', () => discard('no')],
])('the end of a watched event that is %s is reported: without a key, in a lane, and inside a run', async (_, does) => {
  const bus = aBus([handlerThat(does)])
  const notes = [null, 'red', 'red', 'red', 'blue'].map((key, n) => NoteTaken({ n, key }))
  await bus.publish(notes)
  const seqs = await seqsOf(notes.map(({ id }) => id))
  const heard = await listening()
  await watch(seqs)

  await bus.worker().drain()

  await until('all were told of', () => seqs.every((seq) => heard.includes(seq)))
  expect(new Set(heard)).toEqual(new Set(seqs))
})

test('the end of an event that is not watched is not reported', async () => {
  const bus = aBus([handlerThat(() => undefined)])
  const [watched, other] = [NoteTaken({ n: 1 }), NoteTaken({ n: 2 })]
  await bus.publish([watched, other])
  const [seq] = await seqsOf([watched.id])
  const heard = await listening()
  await watch([seq ?? ''])

  await bus.worker().drain()

  await until('the one is told of', () => heard.includes(seq ?? ''))
  expect(new Set(heard)).toEqual(new Set([seq]))
})

test('an event that is published and ends between two looks at a tree is waited for', async () => {
  const root = NoteTaken({ n: 1 })
  let caused: ReturnType<typeof NoteTaken> | null = null
  const bus: Bus = aBus([
    handlerThat(async (n) => void (n === 1 && (await bus.publish((caused = NoteTaken({ n: 2 })))))),
  ])
  await bus.publish(root)
  // After the tree was read, the root runs to its end: everything that was read is finished then, but there is one more event.
  const hooked = afterTheFirst(/with recursive tail/, () => bus.worker({ queues: { events: 1 } }).drain())
  const registry = lazyRegistry([])
  const waits = waitsOn({
    connection: hooked,
    listening: null,
    tables,
    codec: createCodec(),
    emit: () => undefined,
    registry,
  })
  onTestFinished(() => waits.close())
  await opened.database.query(`create function public.later() returns trigger language plpgsql as $$
    begin new.start_after := now() + interval '1 hour'; return new; end $$`)
  await opened.database.query(
    `create trigger later before insert on pgboss.job_common for each row execute function public.later()`,
  )
  onTestFinished(async () => void (await opened.database.query('drop function public.later cascade')))

  const wait = waits.until(root.id, { timeoutMs: 3_000, includeCaused: true })

  await expect(wait).rejects.toMatchObject({ code: 'POSTBUS_WAIT_TIMEOUT' })
  expect(caused).not.toBe(null)
})

function aBus(handlers: AnyHandler[]): Bus {
  const bus = anotherBus(opened, handlers)
  onTestFinished(() => bus.close())
  return bus
}

async function seqsOf(ids: readonly string[]): Promise<readonly string[]> {
  const { rows } = await opened.database.query<{ seq: string }>(
    'select seq::text as seq from postbus.event where id = any($1) order by seq',
    [ids],
  )
  return rows.map(({ seq }) => seq)
}

async function listening(): Promise<readonly string[]> {
  const client = (await opened.database.connect()) as unknown as Client & { release(destroy: boolean): void }
  onTestFinished(() => client.release(true))
  const heard: string[] = []
  client.on('notification', ({ payload = '' }) => heard.push(...payload.split(' ')))
  await client.query(`listen "${tables.endChannel}"`)
  return heard
}

async function watch(seqs: readonly string[]): Promise<void> {
  await opened.database.query(
    `insert into postbus.watch (seq, waiter, until) select one, gen_random_uuid(), 'infinity' from unnest($1::bigint[]) one`,
    [seqs],
  )
  onTestFinished(async () => void (await opened.database.query('truncate postbus.watch')))
}

/** A connection that does some work after the first statement that matches. */
function afterTheFirst(kind: RegExp, work: () => Promise<unknown>): Connection {
  const connection = createConnection({
    connectionString: opened.connectionString,
    poolSize: 2,
    connectTimeoutMs: 10_000,
    queryTimeoutMs: 10_000,
  })
  onTestFinished(() => connection.close())
  let isDone = false
  return {
    ...connection,
    async pool() {
      const database = await connection.pool()
      return {
        ...database,
        async query(...given: Parameters<typeof database.query>) {
          const result = await database.query(...given)
          const [statement] = given
          if (!isDone && kind.test(typeof statement === 'string' ? statement : statement.text)) {
            isDone = true
            await work()
          }
          return result
        },
      } as typeof database
    },
  }
}
