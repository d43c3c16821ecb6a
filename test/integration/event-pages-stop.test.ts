/** A page that has to look at many events stops after a while, and its cursor continues there. */
import { beforeAll, expect, test } from 'vitest'
import { listEvents } from '../../src/backends/postgres/record/list.ts'
import { tablesIn } from '../../src/backends/postgres/schema/tables.ts'
import type { Queryable } from '../../src/backends/postgres/connection.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { NoteTaken } from '../support/notes.ts'

const tables = tablesIn({ postbus: 'postbus', pgboss: 'pgboss' })
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus()
  await opened.bus.publish(Array.from({ length: 4_500 }, (_, n) => NoteTaken({ n })))
  return () => opened.close()
})

test('if each look takes 120 ms, a page stops after two or three looks, and all pages together find every event', async () => {
  const queries = { count: 0 }
  const slow = inTime(120, queries)
  const found: number[] = []
  const looks: number[] = []
  let cursor: string | null = null
  do {
    queries.count = 0
    const page = await listEvents(slow, tables, { first: 'oldest', limit: 100, cursor, text: '99,' })
    looks.push(queries.count)
    found.push(...page.rows.map(({ payload }) => (JSON.parse(payload ?? '') as { json: { n: number } }).json.n))
    ;({ cursor } = page)
  } while (cursor !== null)

  expect(found).toEqual(Array.from({ length: 45 }, (_, n) => 100 * n + 99))
  expect(looks.length).toBeGreaterThan(1)
  expect(Math.max(...looks)).toBeLessThanOrEqual(4) // one of the queries asks for the range of the log
})

/** A database behind a slow network. */
function inTime(ms: number, queries: { count: number }): Queryable {
  return {
    async query(text: string, values: unknown[]) {
      queries.count += 1
      await new Promise((resolve) => setTimeout(resolve, ms))
      return opened.database.query(text, values)
    },
  }
}
