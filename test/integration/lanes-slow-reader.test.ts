/** A worker that reads slowly, or whose transaction began early, must not delay the others. */
import type { ClientBase } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { createConnection } from '../../src/backends/postgres/connection.ts'
import { done, openLanes, Turned, type Lanes } from '../support/lanes.ts'
import { emptyTables } from '../support/stored.ts'
import { until } from '../support/until.ts'

let lanes: Lanes

beforeAll(async () => {
  lanes = await openLanes()
})

afterAll(() => lanes.close())

beforeEach(() => emptyTables(lanes.database))

test('a settle whose transaction began before the next event was published still hands that event out', async () => {
  const early = await lanes.connect()
  await lanes.publish('red')
  const [first] = (await lanes.claim(lanes.database)).deliveries
  await early.query('begin')
  await early.query('select now()')
  const next = await lanes.publish('red')
  await lanes.claim(lanes.database) // parks the new delivery

  const settled = await lanes.settle(early, [done(first!, true)])
  await early.query('commit')

  expect([...settled.next.values()].map(({ event }) => event?.id)).toEqual([next])
})

test('a worker that stops reading in the middle of a claim delays other claims only for seconds', async () => {
  const { connectionString } = lanes.shop
  const connection = createConnection({
    connectionString,
    poolSize: 2,
    connectTimeoutMs: 5_000,
    queryTimeoutMs: 60_000,
  })
  onTestFinished(() => connection.close())
  const pool = await connection.pool()
  const frozen = await connection.dedicated()
  await lanes.shop.bus.publish(Array.from({ length: 40 }, (_, turn) => Turned({ key: `key ${turn}`, turn })))
  await lanes.database.query(`update postbus.event set payload = to_json(repeat('x', 1000000))`)

  streamOf(frozen).pause()
  const unread = lanes.claim(frozen, 40).catch((error: unknown) => error)
  await until('its answer is on the way', () => isSending(frozen))
  await lanes.publish('another')
  const { deliveries } = await lanes.claim(pool, 1)

  expect(deliveries).toHaveLength(1)
  streamOf(frozen).resume()
  expect(await unread).toBeInstanceOf(Error)
  await frozen.end().catch(() => undefined)
}, 60_000)

test('a claim whose worker no longer waits for it takes nothing when its turn comes', async () => {
  const { connectionString } = lanes.shop
  const connection = createConnection({ connectionString, poolSize: 1, connectTimeoutMs: 5_000, queryTimeoutMs: 300 })
  onTestFinished(() => connection.close())
  const first = await lanes.connect()
  await lanes.publish('red')
  await first.query('begin')
  await lanes.claim(first)
  await lanes.publish('green')

  await expect(lanes.claim(await connection.pool())).rejects.toThrow('Query read timeout')
  await until('the server has noticed', async () => !(await someoneWaitsForTheTurn()))
  await first.query('rollback')

  expect(await lanes.live()).toMatchObject([{ state: 'created' }, { state: 'created' }])
})

async function someoneWaitsForTheTurn(): Promise<boolean> {
  const { rowCount } = await lanes.database.query(`select from pg_stat_activity where wait_event = 'advisory'`)
  return rowCount !== 0
}

interface Wire {
  readonly processID: number
  readonly connection: { readonly stream: { pause(): void; resume(): void } }
}

/** Parts of pg that its types do not show. */
function wireOf(client: ClientBase): Wire {
  return client as unknown as Wire
}

function streamOf(client: ClientBase) {
  return wireOf(client).connection.stream
}

async function isSending(client: ClientBase): Promise<boolean> {
  const { rowCount } = await lanes.database.query(
    `select from pg_stat_activity where pid = $1 and wait_event = 'ClientWrite'`,
    [wireOf(client).processID],
  )
  return rowCount === 1
}
