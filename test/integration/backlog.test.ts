/** `bus.backlog`: each delivery that is not done is counted once, by its state. */
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { countBacklog } from '../../src/backends/postgres/operating/backlog.ts'
import { tablesIn } from '../../src/backends/postgres/schema/tables.ts'
import { createRegistry } from '../../src/handlers/registry.ts'
import { awaitCompletion, defineHandler, snooze, type HandlerBacklog } from '../../src/index.ts'
import { nothingFor } from '../support/backlog-row.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { linesOf, postbusHere as postbus } from '../support/cli.ts'
import { drained } from '../support/drained.ts'
import { aSignal, anotherBus, handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'
import { until } from '../support/until.ts'

const IN_AN_HOUR = { initialMs: 3_600_000, factor: 1, jitter: 0 }
/** The number of a note decides the outcome. */
const take = handlerThat(
  (n) => {
    if (n === 1) throw new Error('out of ink')
    if (n === 2) return snooze({ seconds: 3_600 })
    return n === 3 ? awaitCompletion({ timeoutMs: 3_600_000 }) : undefined
  },
  { name: 'notes.take', backoff: IN_AN_HOUR },
)
const hold = handlerThat(
  (n) => {
    if (n === 1) throw new Error('out of ink')
  },
  { name: 'notes.hold', queue: 'held', maxAttempts: 1, onDead: 'block' },
)
const index = handlerThat(() => undefined, { name: 'notes.index', delivery: 'log' })
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({ handlers: [take, hold] })
  return () => opened.close()
})

beforeEach(() => emptyTables(opened.database))

test('a handler without waiting deliveries is listed with zeros', async () => {
  const { handlers, isEstimate, at } = await opened.bus.backlog()

  expect(handlers).toEqual([nothingFor('notes.hold'), nothingFor('notes.take')])
  expect(isEstimate).toBe(false)
  expect(Math.abs(Date.now() - at.getTime())).toBeLessThan(60_000)
})

test('counts waiting, later, retrying, snoozed and awaiting deliveries, and the age of the oldest due one', async () => {
  await opened.bus.publish([1, 2, 3].map((n) => NoteTaken({ n })))
  await drained(opened.bus)
  await opened.bus.publish([4, 5].map((n) => NoteTaken({ n })))
  await opened.bus.publish(NoteTaken({ n: 6 }), { delayMs: 3_600_000 })
  await opened.database.query(
    `update pgboss.job set start_after = start_after - interval '90 seconds' where state = 'created' and data ->> 'handler' = 'notes.take'`,
  )

  const of = await backlogOf(opened)

  expect(of['notes.take']).toEqual({
    ...nothingFor('notes.take'),
    waiting: 2,
    later: 1,
    retrying: 1,
    snoozed: 1,
    awaiting: 1,
    oldestWaitingMs: expect.closeTo(95_000, -4) as number,
  })
  expect(of['notes.hold']).toMatchObject({
    waiting: 2,
    later: 1,
    dead: 1,
    oldestWaitingMs: expect.any(Number) as number,
  })
})

test('deliveries behind a dead one are parked, their key counts as blocked, and they do not age the oldest', async () => {
  await opened.bus.publish([1, 2, 3].map((n) => NoteTaken({ n, key: 'red' })))
  await opened.bus.publish(NoteTaken({ n: 1 }))
  await drained(opened.bus)

  const { 'notes.hold': held } = await backlogOf(opened)

  expect(held).toMatchObject({ waiting: 0, parked: 2, blockedKeys: 1, dead: 2, oldestWaitingMs: null })
})

test('a running delivery counts as running, and one parked behind it ages the oldest', async () => {
  const { promise: mayEnd, resolve: end } = aSignal()
  const bus = anotherBus(opened, [handlerThat(() => mayEnd, { name: 'notes.slow' })])
  await bus.publish([1, 2].map((n) => NoteTaken({ n, key: 'red' })))
  await opened.database.query(`update pgboss.job set start_after = start_after - interval '90 seconds'`)
  const worker = bus.worker()
  await worker.start()
  await until('the second is parked', async () => (await backlogOf({ bus }))['notes.slow']?.parked === 1)

  const { 'notes.slow': slow } = await backlogOf({ bus })

  end()
  await worker.stop()
  await bus.close()
  expect(slow).toMatchObject({ running: 1, waiting: 0, parked: 1, blockedKeys: 0 })
  expect(slow?.oldestWaitingMs).toBeGreaterThan(89_000)
})

test('a handler that reads the log has its lag in events and seconds, and no deliveries', async () => {
  const bus = anotherBus(opened, [index])
  await bus.migrate()
  await bus.publish([1, 2, 3].map((n) => NoteTaken({ n })))
  await opened.database.query(`update postbus.event set published_at = published_at - interval '90 seconds'`)

  const { 'notes.index': reading } = await backlogOf({ bus })

  await bus.close()
  expect(reading).toEqual({
    ...nothingFor('notes.index'),
    log: { events: 3, seconds: expect.any(Number) as number },
  })
  expect(reading?.log?.seconds).toBeGreaterThan(89)
})

test('a renamed handler is listed under its new name, and a removed handler under its own', async () => {
  await opened.bus.publish(NoteTaken({ n: 4 }))
  const renamed = anotherBus(opened, [
    defineHandler('notes.keep', { on: NoteTaken, previousNames: ['notes.take'], handle: () => undefined }),
  ])

  const of = await backlogOf({ bus: renamed })

  await renamed.close()
  expect(Object.keys(of)).toEqual(['notes.hold', 'notes.keep'])
  expect(of['notes.keep']).toMatchObject({ waiting: 1 })
})

test('a long backlog is estimated from a sample, to a few percent, with exact running counts and ages', async () => {
  await opened.bus.publish([4, 5].map((n) => NoteTaken({ n })))
  const copied = ['id', 'created_on', 'start_after']
  const { rows } = await opened.database.query<{ columns: string }>(
    `select string_agg(quote_ident(attname), ', ') as columns from pg_attribute
    where attrelid = 'pgboss.job_common'::regclass and attnum > 0 and not attisdropped and attname <> all($1) and attgenerated = ''`,
    [copied],
  )
  const columns = rows[0]?.columns ?? ''
  const copies = (count: number, state: string, handler: string) =>
    opened.database.query(
      `insert into pgboss.job_common (${copied.join(', ')}, ${columns})
      select gen_random_uuid(), now() - n * interval '1 second', now() - n * interval '1 second', ${columns.replace('state', `'${state}'`)}
      from pgboss.job_common, generate_series(1, ${count}) n where data ->> 'handler' = '${handler}' and state = 'created'`,
    )
  await copies(7, 'active', 'notes.take')
  await copies(8_000, 'created', 'notes.take')
  await opened.database.query(`select pg_stat_force_next_flush()`)
  const look = { registry: createRegistry([take, hold]), most: 4_000 }
  const sampled = () => countBacklog(opened.database, tablesIn({ postbus: 'postbus', pgboss: 'pgboss' }), look)
  await until('the server has counted the rows', async () => (await sampled()).isEstimate)

  const report = await sampled()

  const [, notes] = report.handlers
  expect(report.isEstimate).toBe(true)
  expect(notes?.waiting).not.toBe(16_002)
  expect(Math.abs((notes?.waiting ?? 0) - 16_002)).toBeLessThan(4_000)
  expect(notes).toMatchObject({ running: 14, oldestWaitingMs: expect.closeTo(8_000_000, -6) as number })
  expect((await opened.bus.backlog({ exact: true })).handlers).toMatchObject([{}, { waiting: 16_002 }])
})

test.for([[{ exakt: true }], [{ exact: 'yes' }]])('%o is refused', async ([options]) => {
  await expect(opened.bus.backlog(options as object)).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
})

test('postbus backlog prints a line for each handler, the longest waiting first', async () => {
  await opened.bus.publish([1, 4].map((n) => NoteTaken({ n })))

  const { code, out, err } = await postbus(opened.connectionString, ['backlog', '--exact'])

  expect(linesOf(out)[0]).toMatch(
    /^HANDLER +WAITING +RUNNING +RETRYING +LATER +PARKED +BLOCKED KEYS +DEAD +OLDEST WAITS +LOG LAG$/,
  )
  expect(linesOf(out)[1]).toMatch(/^notes\.(take|hold) +2 +0 +0 +0 +0 +0 +0 +[\d.]+ s$/)
  expect({ code, err }).toEqual({ code: 0, err: '4 handlers.\n' })
})

async function backlogOf({ bus }: Pick<TestBus, 'bus'>): Promise<Readonly<Record<string, HandlerBacklog>>> {
  const { handlers } = await bus.backlog()
  return Object.fromEntries(handlers.map((one) => [one.handler, one]))
}
