/** The example of SQL publishers: a trigger, a psql session, and a worker. */
import { expect, onTestFinished, test } from 'vitest'
import { sqlExample } from '../../examples/sql/session.ts'
import { createDatabase } from '../support/database.ts'

test('what a trigger and a psql session publish is handled, what is rolled back is not, and mistakes are explained', async () => {
  const { connectionString, drop } = await createDatabase()
  onTestFinished(() => drop())
  const lines: string[] = []

  await sqlExample(connectionString, (line) => lines.push(line))

  expect(lines.filter((line) => line.startsWith('worker>')).toSorted()).toEqual([
    'worker> call the customer of order 2',
    'worker> invoice for order 1: 42, placed in ' + new Date().getUTCFullYear(),
    'worker> invoice for order 2: 1200, placed in ' + new Date().getUTCFullYear(),
    'worker> invoice for order by-hand: 7, placed in 2026',
    'worker> order 1 goes back to the shelf',
  ])
  expect(lines.filter((line) => line.startsWith('  ERROR'))).toEqual([
    '  ERROR PB012: Event type "orders.order-placed" needs a partition_key.',
    '  ERROR PB010: Event type "orders.order-plaiced" is not registered, so SQL may not publish it.',
  ])
  expect(lines).toContain('  published: true')
  expect(lines.at(-1)).toBe('SQL may publish orders.order-placed version 1, with a partition_key')
})
