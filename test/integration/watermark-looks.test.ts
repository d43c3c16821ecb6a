/** What holds the watermark back and what does not, what a look costs, and the effects of a restore or a crash. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { examineLog } from '../../src/backends/postgres/operating/log-check.ts'
import { writingTransactions } from '../../src/backends/postgres/record/watermark.ts'
import { openLog, type Log } from '../support/log.ts'
import { until } from '../support/until.ts'

let log: Log

beforeAll(async () => {
  log = await openLog()
})

afterEach(() => log.tidy())

afterAll(() => log.close())

test('a rollback leaves a gap, and does not hold it back', async () => {
  const reader = log.reader()
  const first = await log.begun()
  await log.publish(1, first)
  await log.publish(2)
  await reader.look()

  await first.query('rollback')
  await reader.look()

  expect(reader.read).toEqual([2])
})

test('a transaction that only reads does not hold it back', async () => {
  const reader = log.reader()
  const reading = await log.begun('isolation level repeatable read')
  await reading.query('select count(*) from postbus.event')
  await log.publish(1)

  await reader.look()

  expect(reader.read).toEqual([1])
})

test('a look takes no transaction id if nothing was published since the last one, nor while it waits', async () => {
  const reader = log.reader()
  await log.publish(1)
  await reader.look()
  const afterReading = await log.nextId()
  await reader.look()
  expect(await log.nextId()).toBe(afterReading)

  const first = await log.begun()
  await log.publish(2, first)
  await reader.look()
  const waiting = await log.nextId()
  await log.publish(3)
  await reader.look()
  expect(await log.nextId()).toBe(waiting + 1n)
})

test('it names the transactions that hold it back: a process with its application, or a prepared transaction', async () => {
  const reader = log.reader()
  const first = await log.begun()
  await first.query(`set application_name = 'a long import'`)
  await log.publish(1, first)
  const second = await log.begun()
  await log.publish(2, second)
  await second.query(`prepare transaction 'forgotten'`)

  await reader.look()

  const holders = await writingTransactions(log.database)
  expect(holders).toMatchObject([
    { pid: expect.any(Number), application: 'a long import', since: expect.any(Date) },
    { pid: null, application: 'forgotten', since: expect.any(Date) },
  ])
  await first.query('rollback')
  await log.database.query(`rollback prepared 'forgotten'`)
  await reader.look()
  await until('no one writes', async () => (await writingTransactions(log.database)).length === 0)
})

test('the doctor names a transaction that has been writing for more than a minute', async () => {
  const first = await log.begun()
  await first.query(`set application_name = 'a long import'; select pg_current_xact_id()`)

  const now = await examineLog(log.database)
  const later = await examineLog({
    query: async (statement) =>
      log.database.query(
        (typeof statement === 'string' ? statement : statement.text).replace(
          'xact_start as since',
          `xact_start - interval '7 min' as since`,
        ),
      ),
  })

  expect(now).toMatchObject({ check: 'log', status: 'ok' })
  expect(later).toMatchObject({
    status: 'warning',
    message: expect.stringMatching(/process \d+ \(postgres, a long import\) has written and not ended for 7 min/),
  })
})

test('in a transaction that has written it does not move, and misses nothing later', async () => {
  const writing = await log.begun()
  await writing.query('select pg_current_xact_id()')
  const reader = log.reader(writing)
  const first = await log.begun()
  await log.publish(1, first)
  await log.publish(2)

  await reader.look()

  expect(reader.watermark.seq).toBe(0n)
  await first.query('commit')
  await writing.query('commit')
  await reader.readToTheEnd()
  expect(reader.read).toEqual([1, 2])
})

test('it waits for a restore that sets the sequence forward, and starts over after one that sets it back', async () => {
  const reader = log.reader()
  await log.publish(1)
  await reader.look()
  const restoring = await log.begun()
  await restoring.query(
    `insert into postbus.event (seq, id, type, version, payload, correlation_id, occurred_at) overriding system value
    values (1000000, gen_random_uuid(), 'notes.note-taken', 1, '{"json":{"n":2}}', '', now())`,
  )
  await restoring.query(`select setval('postbus.event_seq_seq', 1000000)`)
  await reader.look()
  expect(reader.read).toEqual([1])
  await restoring.query('commit')
  await reader.look()
  expect(reader.read).toEqual([1, 2])

  await log.database.query(`select setval('postbus.event_seq_seq', 900000)`)
  const first = await log.begun()
  await log.publish(3, first)
  await reader.look()
  expect(reader.watermark.seq).toBe(0n)
  await first.query('commit')
})

test('after a crash of the server it starts over, and the seqs of rolled-back events can be used again', async () => {
  const reader = log.reader()
  await log.publish(1)
  await reader.look()
  const first = await log.begun()
  await log.publish(2, first)

  await log.database.query('truncate postbus.server_life') // as a crash does
  await reader.look()

  expect(reader.watermark).toMatchObject({ seq: 0n, bound: { seq: expect.any(BigInt) } })
  await first.query('commit')
  await reader.readToTheEnd()
  expect(reader.read).toEqual([1, 2])
})
