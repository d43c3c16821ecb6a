/** Two transactions on one lane at the same time wait for each other in one direction only. */
import type { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ClaimedDelivery, Settlement } from '../../src/deliveries/delivery.ts'
import { done, HANDLER, openLanes, type Lanes } from '../support/lanes.ts'
import { emptyTables } from '../support/stored.ts'
import { until } from '../support/until.ts'

let lanes: Lanes

beforeAll(async () => {
  lanes = await openLanes()
})

afterAll(() => lanes.close())

beforeEach(() => emptyTables(lanes.database))

/** A lane whose `later` delivery runs although the older `early` one is alive, because the older event committed late. */
async function laneWithALateCommit(key = 'red'): Promise<{ early: string; later: ClaimedDelivery }> {
  const publisher = await lanes.connect()
  await publisher.query('begin')
  const early = await lanes.publish(key, publisher)
  await lanes.publish(key)
  const { deliveries } = await lanes.claim(lanes.database)
  await publisher.query('commit')
  await lanes.claim(lanes.database)
  return { early, later: deliveries[0]! }
}

test('an operator who removes a lane’s head while a later delivery ends does not deadlock with its settle', async () => {
  const { early, later } = await laneWithALateCommit()
  const [operator, worker] = [await lanes.connect(), await lanes.connect()]
  await lanes.publish('red')
  await lanes.claim(lanes.database)

  await operator.query('begin')
  await operator.query(`select from pgboss.job where data ->> 'event' = $1 for update`, [early])
  const settling = lanes.settle(worker, [done(later)])
  await untilItWaits(worker)
  await operator.query(`select postbus.skip_head($1, $2, 'by hand')`, [lanes.queue.name, `${HANDLER}:red`])
  await operator.query('commit')
  await settling

  expect(await lanes.live()).toMatchObject([{ state: 'retry', blocked: false }])
})

test('an operator who dismisses a key’s dead head while an older delivery of the key ends does not deadlock', async () => {
  const { early, later } = await laneWithALateCommit()
  const [operator, worker] = [await lanes.connect(), await lanes.connect()]
  await lanes.settle(lanes.database, [blocking(later)])
  const { deliveries } = await lanes.claim(lanes.database)
  expect(deliveries.map(({ event }) => event?.id)).toEqual([early])

  await operator.query('begin')
  await operator.query('select from pgboss.job where id = $1 for update', [later.id])
  const settling = lanes.settle(worker, [done(deliveries[0]!)])
  await untilItWaits(worker)
  await operator.query(`update pgboss.job set state = 'failed' where id = $1`, [later.id])
  await operator.query(`select postbus.promote($1, array[$2])`, [lanes.queue.name, `${HANDLER}:red`])
  await operator.query('commit')
  await settling

  expect(await lanes.live()).toEqual([])
})

/** Lanes with a `dead` head and an older delivery that is `running`, because its event committed late. */
async function lanesWithDeadHeads(...keys: string[]) {
  const found = []
  for (const key of keys) {
    const { later } = await laneWithALateCommit(key)
    await lanes.settle(lanes.database, [blocking(later)])
    const [running] = (await lanes.claim(lanes.database)).deliveries
    found.push({ dead: later, running: running! })
  }
  return found
}

test.each(['dismiss', 'retry'] as const)(
  'an operator who does %s several keys’ dead heads while older deliveries of these keys end does not deadlock',
  async (act) => {
    const [red, green] = (await lanesWithDeadHeads('red', 'green')) as [Heads, Heads]
    const [worker, holder] = [await lanes.connect(), await lanes.connect()]
    await holder.query('select pg_advisory_lock(1)')
    // An update of the red head waits for the holder, and keeps the row locked.
    await lanes.database.query(`
      create or replace function public.pause() returns trigger language plpgsql as $$
        begin perform pg_advisory_xact_lock(1); return new; end $$;
      create or replace trigger pause before update on pgboss.job_common for each row
        when (old.id = '${red.dead.id}' and old.start_after = 'infinity') execute function public.pause()`)

    const acting = lanes.shop.bus.deadLetters[act]({ handler: HANDLER })
    await until('the operator holds the red head', someoneWaitsForTheLock)
    const settling = lanes.settle(worker, [done(green.running), done(red.running)])
    await untilItWaits(worker)
    await holder.query('select pg_advisory_unlock(1)')

    const [acted, settled] = await Promise.all([acting, settling])
    expect(acted).toEqual({ count: 2 })
    expect(settled.ours.size).toBe(2)
    expect((await lanes.live()).filter(({ blocked }) => blocked)).toEqual([])
  },
)

interface Heads {
  readonly dead: ClaimedDelivery
  readonly running: ClaimedDelivery
}

function blocking(delivery: ClaimedDelivery): Settlement {
  return { delivery, is: 'dead', reason: 'broken', error: null, onDead: 'block' }
}

async function someoneWaitsForTheLock(): Promise<boolean> {
  const { rowCount } = await lanes.database.query(`select from pg_stat_activity where wait_event = 'advisory'`)
  return rowCount !== 0
}

async function untilItWaits(client: Client): Promise<void> {
  await until('it waits for a lock', async () => {
    const { rows } = await lanes.database.query<{ waits: boolean }>(
      `select wait_event_type = 'Lock' as waits from pg_stat_activity where pid = $1`,
      [processOf(client)],
    )
    return rows[0]?.waits === true
  })
}

/** The id of the server process behind a connection. pg has it, but its types do not. */
function processOf(client: Client): number {
  return 'processID' in client ? Number(client.processID) : 0
}
