/** Two transactions that touch one lane at the same time wait for each other in one direction only. */
import type { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ClaimedDelivery } from '../../src/backend.ts'
import { done, HANDLER, openLanes, type Lanes } from '../support/lanes.ts'
import { emptyTables } from '../support/stored.ts'
import { until } from '../support/until.ts'

let lanes: Lanes

beforeAll(async () => {
  lanes = await openLanes()
})

afterAll(() => lanes.close())

beforeEach(() => emptyTables(lanes.database))

/** A lane whose `later` runs although the older `early` is alive: the older one's transaction committed late. */
async function laneWithALateCommit(): Promise<{ early: string; later: ClaimedDelivery }> {
  const publisher = await lanes.connect()
  await publisher.query('begin')
  const early = await lanes.publish('red', publisher)
  await lanes.publish('red')
  const { deliveries } = await lanes.claim(lanes.database)
  await publisher.query('commit')
  await lanes.claim(lanes.database)
  return { early, later: deliveries[0]! }
}

test('an operator who takes a lane’s head out while a later one ends does not deadlock with its settle', async () => {
  const { early, later } = await laneWithALateCommit()
  const [operator, worker] = [await lanes.connect(), await lanes.connect()]
  await lanes.publish('red')
  await lanes.claim(lanes.database)

  await operator.query('begin')
  await operator.query(`select from pgboss.job where data ->> 'event' = $1 for update`, [early])
  const settling = lanes.settle(worker, [done(later)])
  await untilItWaits(worker)
  await operator.query(`select ${lanes.queue.functions.skip}($1, 'by hand')`, [`${HANDLER}:red`])
  await operator.query('commit')
  await settling

  expect(await lanes.live()).toMatchObject([{ state: 'created', blocked: false }])
})

test('an operator who discards a key’s dead head while an older one of the key ends does not deadlock', async () => {
  const { early, later } = await laneWithALateCommit()
  const [operator, worker] = [await lanes.connect(), await lanes.connect()]
  await lanes.settle(lanes.database, [{ delivery: later, is: 'dead', reason: 'broken', error: null, onDead: 'block' }])
  const { deliveries } = await lanes.claim(lanes.database)
  expect(deliveries.map(({ event }) => event?.id)).toEqual([early])

  await operator.query('begin')
  await operator.query('select from pgboss.job where id = $1 for update', [later.id])
  const settling = lanes.settle(worker, [done(deliveries[0]!)])
  await untilItWaits(worker)
  await operator.query(`update pgboss.job set state = 'failed' where id = $1`, [later.id])
  await operator.query(`select ${lanes.queue.functions.promote}(array[$1])`, [`${HANDLER}:red`])
  await operator.query('commit')
  await settling

  expect(await lanes.live()).toEqual([])
})

async function untilItWaits(client: Client): Promise<void> {
  await until('it waits for a lock', async () => {
    const { rows } = await lanes.database.query<{ waits: boolean }>(
      `select wait_event_type = 'Lock' as waits from pg_stat_activity where pid = $1`,
      [processOf(client)],
    )
    return rows[0]?.waits === true
  })
}

/** The server's process behind a connection; pg knows it, its types do not. */
function processOf(client: Client): number {
  return 'processID' in client ? Number(client.processID) : 0
}
