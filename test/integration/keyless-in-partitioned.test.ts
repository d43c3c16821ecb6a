/** Another program writes a job without a key into a partitioned queue, as pg-boss allows. Keys beside it must not be affected. */
import { PgBoss } from 'pg-boss'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineHandler } from '../../src/index.ts'
import { openTestBus } from '../support/bus.ts'

const Paid = defineEvent('finances.paid', {
  schema: z.object({ account: z.string() }),
  partitionKey: (data) => data.account,
})

test('jobs without a key in a partitioned queue are left alone, and every key goes on', async () => {
  const seen: string[] = []
  const book = defineHandler('finances.book', { on: Paid, handle: (event) => void seen.push(event.data.account) })
  const opened = await openTestBus({ handlers: [book] })
  onTestFinished(() => opened.close())
  const boss = new PgBoss({ connectionString: opened.connectionString, supervise: false, schedule: false })
  await boss.start()
  for (const note of ['one', 'two']) await boss.send('events_partitioned', { note })
  await boss.stop({ graceful: false })
  await opened.bus.publish([Paid({ account: 'A' }), Paid({ account: 'B' })])

  const counts = await opened.bus.worker().drain()

  expect(seen.toSorted((one, other) => one.localeCompare(other))).toEqual(['A', 'B'])
  expect(counts).toEqual({ done: 2, failed: 0, dead: 0, snoozed: 0 })
})
