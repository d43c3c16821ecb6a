/** The benchmark is code too, and must keep working between measurements. `bench.long.ts` runs all of its questions. */
import { expect, test } from 'vitest'
import { askQuickly } from '../support/ask-quickly.ts'

test('the questions that compare Postbus with others run', { timeout: 240_000 }, async () => {
  const { asked, output } = await askQuickly('latency', 'drain', 'pg-boss-policies')

  expect(asked).toEqual(['latency', 'drain', 'pg-boss-policies'])
  expect(output).toMatch(/A before B, whose transaction began first +\| postbus +\| handled +\| A B /)
  expect(output).toMatch(/one key busy, 20 others ready +\| postbus +\| [a-z ]+ +\| 20 /)
  expect(output).toMatch(/\| BullMQ +\| deliveries\/s +\| (not measured: no redis-server on this machine|[\d,.]+) /)
  expect(output).not.toMatch(/NaN|Infinity/)
})
