/** The examples on Fastify, Express and Hono, each started as a user starts it and used over HTTP: all at once, each on its own database. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** Processes start slowly on a busy machine. */
const LIMIT_MS = 120_000
const EXAMPLES = ['fastify', 'express', 'hono'] as const

interface Started {
  readonly child: ChildProcess
  readonly url: string
  readonly database: TestDatabase
  said(): string
}

let examples: ReadonlyMap<string, Started>

beforeAll(async () => {
  examples = new Map(await Promise.all(EXAMPLES.map(async (name) => [name, await started(name)] as const)))
}, 2 * LIMIT_MS)

afterAll(async () => {
  for (const { child, database } of examples?.values() ?? []) {
    child.kill('SIGKILL')
    await database.drop()
  }
})

async function started(name: string): Promise<Started> {
  const database = await createDatabase({ template: inject('migrated') })
  const child = spawn(process.execPath, [`examples/${name}/main.ts`, '0'], {
    cwd: ROOT,
    env: {
      DATABASE_URL: database.connectionString,
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
    },
    stdio: 'pipe',
  })
  let said = ''
  child.stdout.on('data', (text) => (said += String(text)))
  child.stderr.on('data', (text) => (said += String(text)))
  const isThere = () => said.includes('Listening') || child.exitCode !== null
  await until(`${name} listens`, isThere, LIMIT_MS).catch((error: unknown) =>
    Promise.reject(new Error(said, { cause: error })),
  )
  const url = /http:\/\/\S+:\d+/.exec(said)?.[0]
  if (url === undefined) throw new Error(`${name} has not started: ${said}`)
  return { child, url, database, said: () => said }
}

test.each(EXAMPLES)('%s: an order and its event are both stored or neither, and its handler runs', async (name) => {
  const { url } = examples.get(name)!
  const post = (order: object) =>
    fetch(`${url}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': 'request 1' },
      body: JSON.stringify(order),
    })
  const read = async (id: string) => {
    const response = await fetch(`${url}/orders/${id}`)
    return response.ok ? ((await response.json()) as { confirmed: boolean }) : response.status
  }

  const [created, refused] = [await post({ orderId: 'o-1', sku: 'tea' }), await post({ orderId: 'o-2' })]
  const again = await post({ orderId: 'o-1', sku: 'tea' }) // the table refuses a second order with this id

  expect([created.status, refused.status, again.status]).toEqual([201, 400, 500])
  expect(await created.json()).toEqual({ eventId: expect.any(String) as string })
  expect(await read('o-2')).toBe(404)
  await until('the order is confirmed', async () => {
    const order = await read('o-1')
    return typeof order === 'object' && order.confirmed
  })
  expect(await eventsOf(name)).toEqual([{ type: 'orders.order-created', correlation_id: 'request 1' }])
})

test.each(EXAMPLES)('%s ends in good order after SIGTERM', async (name) => {
  const { child, said } = examples.get(name)!
  const ended = once(child, 'exit')
  child.kill('SIGTERM')

  expect(await ended, said()).toEqual([0, null])
  expect(said()).toContain('Stopped')
})

async function eventsOf(name: string) {
  const client = new Client({ connectionString: examples.get(name)!.database.connectionString })
  await client.connect()
  try {
    return (await client.query('select type, correlation_id from postbus.event')).rows
  } finally {
    await client.end()
  }
}
