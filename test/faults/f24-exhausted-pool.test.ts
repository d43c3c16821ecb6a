/** F24: every connection of the application is in a transaction that publishes. */
import { Pool } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { createBus } from '../../src/index.ts'
import { openTestBus } from '../support/bus.ts'
import { STEADY, TaskAdded, tracedHandler } from './tasks.ts'

test('F24: a publish inside a transaction needs no connection but the caller’s', async () => {
  const opened = await openTestBus()
  onTestFinished(() => opened.close())
  const bus = createBus({
    connectionString: () => Promise.reject(new Error('a publish inside a transaction connected by itself')),
    handlers: [tracedHandler(STEADY, async () => undefined)],
  })
  const pool = new Pool({ connectionString: opened.connectionString, max: 2 })
  onTestFinished(() => pool.end())

  const clients = [await pool.connect(), await pool.connect()]
  for (const client of clients) await client.query('begin')
  await Promise.all(clients.map((client) => bus.publish(TaskAdded({ key: 'red' }), { tx: client })))
  await Promise.all(clients.map((client) => bus.publish([TaskAdded({}), TaskAdded({})], { tx: client })))
  for (const client of clients) await client.query('commit')
  for (const client of clients) client.release()

  const { rows } = await opened.database.query(`select from pgboss.job`)
  expect(rows).toHaveLength(6)
})

test('F24: a publish that waits for a connection in vain fails, and the worker beside it goes on afterwards', async () => {
  const handled: string[] = []
  const handler = tracedHandler(STEADY, async ({ step, eventId }) => void (step === 'end' && handled.push(eventId)))
  const opened = await openTestBus({ handlers: [handler], poolSize: 1, connectTimeoutMs: 500 })
  onTestFinished(() => opened.close())
  const blocker = await opened.database.connect()
  await blocker.query('begin; lock table postbus.event in exclusive mode')

  const first = opened.bus.publish(TaskAdded({}))
  await expect(opened.bus.publish(TaskAdded({}))).rejects.toThrow(/timeout/)
  await blocker.query('commit')
  blocker.release()
  const { events } = await first
  await opened.bus.worker().drain()

  expect(handled).toEqual(events.map(({ id }) => id))
})
