/** The number of statements per minute in the benchmark is a count, not an estimate. */
import { Client } from 'pg'
import { expect, inject, test } from 'vitest'
import { countStatements } from '../../bench/statement-counter.ts'
import { percentile } from '../../bench/statistics.ts'

test('every statement is counted once: simple, prepared, or larger than a packet', async () => {
  const counter = await countStatements(inject('serverUrl'))
  const client = new Client({ connectionString: counter.connectionString })
  await client.connect()

  await client.query('select 1')
  for (const value of [1, 2]) await client.query({ name: 'two', text: 'select $1::integer', values: [value] })
  const { rows } = await client.query('select length($1) as length', ['x'.repeat(1_000_000)])

  await client.end()
  expect(rows).toEqual([{ length: 1_000_000 }])
  expect(counter.statements()).toBe(4)
  await counter.stop()
})

test('a percentile is one of the numbers: the smallest that at least so many percent do not exceed', () => {
  const hundred = Array.from({ length: 100 }, (_, place) => 100 - place)

  expect([percentile(hundred, 50), percentile(hundred, 99), percentile([7], 99)]).toEqual([50, 99, 7])
})
