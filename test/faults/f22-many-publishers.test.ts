/** F22: 64 publishers at once, and a session that listens and never reads: Postgres's queue of notifications neither fills up nor blocks a publisher. */
import { Pool, type PoolClient } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { openTestBus } from '../support/bus.ts'
import { until } from '../support/until.ts'
import { STEADY, TaskAdded, tracedHandler } from './tasks.ts'

const PUBLISHERS = 64
const ROUNDS = 8

test('F22: 64 publishers that commit at once cost fewer wake-ups than commits, and everything is handled once', async () => {
  const handled: string[] = []
  const handler = tracedHandler(STEADY, async ({ step, eventId }) => void (step === 'end' && handled.push(eventId)))
  const opened = await openTestBus({ handlers: [handler] })
  onTestFinished(() => opened.close())
  const pool = new Pool({ connectionString: opened.connectionString, max: PUBLISHERS + 2 })
  onTestFinished(() => pool.end())
  const clients = await Promise.all(Array.from({ length: PUBLISHERS + 2 }, () => pool.connect()))
  onTestFinished(() => {
    for (const client of clients) client.release(true)
  })
  const [asleep, listener, ...publishers] = clients as [PoolClient, PoolClient, ...PoolClient[]]
  await asleep.query('listen postbus_postbus; begin; select 1') // its open transaction keeps the queue of notifications from being truncated
  let wakeUps = 0
  listener.on('notification', () => (wakeUps += 1))
  await listener.query('listen postbus_postbus')
  const worker = opened.bus.worker()
  await worker.start()

  const published: string[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    await Promise.all(publishers.map((tx) => tx.query('begin')))
    const results = await Promise.all(publishers.map((tx) => opened.bus.publish(TaskAdded({}), { tx })))
    await Promise.all(publishers.map((tx) => tx.query('commit')))
    published.push(...results.flatMap(({ events }) => events.map(({ id }) => id)))
  }
  await until('all is handled', () => handled.length >= PUBLISHERS * ROUNDS)
  await worker.stop()
  const { rows } = await listener.query<{ full: number }>('select pg_notification_queue_usage() as full')

  console.log(`F22: ${wakeUps} wake-ups for ${PUBLISHERS * ROUNDS} commits`)
  expect(handled.toSorted()).toEqual(published.toSorted())
  expect(rows[0]?.full).toBeLessThan(0.01)
  expect(wakeUps).toBeLessThan(PUBLISHERS * ROUNDS)
})
