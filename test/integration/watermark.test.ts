/**
 * A reader that stays below the watermark misses no event, with transactions held open at each point of a publish. If any part
 * of the watermark is broken on purpose, the reader misses one.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Queryable } from '../../src/backends/postgres/connection.ts'
import { createFunctions } from '../../src/backends/postgres/functions/index.ts'
import { breakFunction } from '../support/break-function.ts'
import { openLog, tables, type Log, type LogReader } from '../support/log.ts'

let log: Log

beforeAll(async () => {
  log = await openLog()
})

afterEach(() => log.tidy())

afterAll(() => log.close())

/** In each schedule two publishes overlap: 1 takes the smaller seq and is committed last, after the reader has looked. */
const schedules = {
  async 'the first has an id before it publishes'(reader: LogReader) {
    const first = await log.begun()
    await first.query('select pg_current_xact_id()')
    await log.publish(1, first)
    await log.publish(2)
    await reader.look()
    await reader.look()
    await first.query('commit')
    return [1, 2]
  },

  async 'the first stands between its seq and the insert'(reader: LogReader) {
    const { publishing, goOn } = await log.heldInsert()
    await log.publish(2)
    await reader.look()
    await goOn()
    await publishing
    return [1, 2]
  },

  async 'the first has written nothing before, and waits for its commit'(reader: LogReader) {
    const first = await log.begun()
    await first.query('select 1')
    await log.publish(1, first)
    await reader.look()
    await log.publish(2)
    await reader.look()
    await first.query('commit')
    return [1, 2]
  },

  async 'the first publishes in a savepoint, after others took newer ids'(reader: LogReader) {
    const first = await log.begun()
    await first.query('select pg_current_xact_id()')
    await log.publish(3)
    await first.query('savepoint one')
    await log.publish(1, first)
    await first.query('release one')
    await log.publish(2)
    await reader.look()
    await log.publish(4)
    await reader.look()
    await first.query('commit')
    return [3, 1, 2, 4]
  },

  async 'the first is prepared, and committed later'(reader: LogReader) {
    const first = await log.begun()
    await log.publish(1, first)
    await first.query(`prepare transaction 'held'`)
    await log.publish(2)
    await reader.look()
    await log.database.query(`commit prepared 'held'`)
    return [1, 2]
  },

  async 'a second one begins before the first has ended'(reader: LogReader) {
    const [first, second] = [await log.begun(), await log.begun()]
    await log.publish(1, first)
    await reader.look()
    await log.publish(2, second)
    await log.publish(3)
    await first.query('commit')
    await reader.look()
    await second.query('commit')
    return [1, 2, 3]
  },
} as const

type Schedule = keyof typeof schedules
test.each(Object.keys(schedules) as Schedule[])('each event is read once, in order of seq: %s', async (schedule) => {
  const reader = log.reader()

  const expected = await schedules[schedule](reader)

  await reader.readToTheEnd()
  expect(reader.read).toEqual(expected)
})

test.each([
  {
    without: 'the oldest running id: the end of the snapshot instead',
    schedule: 'the first has an id before it publishes',
    instead: ['pg_snapshot_xmin', 'pg_snapshot_xmax'],
  },
  {
    without: 'waiting for older transactions',
    schedule: 'the first is prepared, and committed later',
    instead: ['pg_snapshot_xmin(pg_current_snapshot())', `'9223372036854775807'::xid8`],
  },
] as const)('without $without, an event is missed', async ({ schedule, instead: [piece, instead] }) => {
  const reader = log.reader(changed((text) => text.replaceAll(piece, instead)))

  const expected = await schedules[schedule](reader)

  await reader.readToTheEnd()
  expect(reader.read).not.toEqual(expected)
})

test('without a publish that takes its id before its seq, an event is missed', async () => {
  await breakFunction(log.database, 'postbus.publish', {
    piece: 'done := pg_current_xact_id()::text;',
    replacement: '',
  })
  const schedule = 'the first stands between its seq and the insert'
  const reader = log.reader()

  await schedules[schedule](reader)

  await reader.readToTheEnd()
  await createFunctions(log.database, tables)
  expect(reader.read).toEqual([2])
})

/** The same database, with changed statements. */
function changed(change: (text: string) => string): Queryable {
  return {
    query: async (statement, values) => {
      if (typeof statement !== 'string') throw new Error('expected a text')
      return log.database.query(change(statement), values)
    },
  }
}
