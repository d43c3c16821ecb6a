/** F15: the connection is cut at the COMMIT, so the publisher cannot know whether its transaction was committed. It publishes again, with the same id. */
import { Client, type Pool } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { createBus } from '../../src/index.ts'
import { breaches } from '../support/trace-checks.ts'
import { STEADY, TaskAdded, tracedHandler, type Task } from './tasks.ts'

const handled: string[] = []
const handler = tracedHandler(STEADY, async ({ step, eventId }) => void (step === 'end' && handled.push(eventId)))
let opened: TestBus
let proxy: TcpProxy

beforeAll(async () => {
  opened = await openTestBus({ handlers: [handler] })
  await opened.database.query('create table orders (event_id text primary key)')
})

beforeEach(async () => {
  proxy = await openTcpProxy(opened.connectionString)
})

afterEach(() => proxy.close())
afterAll(() => opened.close())

test('F15: a COMMIT that was done and not answered: publishing again is a no-op, and the order is not made twice', async () => {
  const event = aTask()
  const cut = proxy.cutAfter('commit')

  await expect(order(event)).rejects.toThrow(/terminated|ECONNRESET/)
  await cut
  const again = await order(event)

  expect(again).toEqual([{ id: event.id, deliveries: 0, duplicate: true }])
  await expectOnce(event)
})

test('F15: a COMMIT that did not arrive: neither order nor event is there, and publishing again makes both', async () => {
  const event = aTask()

  await expect(order(event, () => proxy.reset())).rejects.toThrow(/terminated|ECONNRESET/)
  expect(await ordersAndEvents(opened.database, event.id)).toEqual([[], [], []])
  const again = await order(event)

  expect(again).toEqual([{ id: event.id, deliveries: 1, duplicate: false }])
  await expectOnce(event)
})

test('F15: a publish without a transaction whose answer was lost: the same again is a no-op', async () => {
  const event = aTask()
  await using bus = createBus({ connectionString: proxy.through(opened.connectionString), handlers: [handler] })
  const cut = proxy.cutAfter('.publish')

  await expect(bus.publish(event)).rejects.toThrow(/terminated|ECONNRESET/)
  await cut
  const { events } = await bus.publish(event)

  expect(events).toEqual([{ id: event.id, deliveries: 0, duplicate: true }])
  await opened.bus.worker().drain()
  expect(handled.filter((id) => id === event.id)).toHaveLength(1)
})

function aTask() {
  return TaskAdded({ key: 'red' } satisfies Task)
}

/** Does what an application does: writes its own row and the event in one transaction, and may repeat that. */
async function order(event: ReturnType<typeof aTask>, beforeCommit: () => unknown = () => undefined) {
  const tx = new Client({ connectionString: proxy.through(opened.connectionString) })
  tx.on('error', () => undefined)
  await tx.connect()
  try {
    await tx.query('begin')
    await tx.query('insert into orders values ($1) on conflict do nothing', [event.id])
    const { events } = await opened.bus.publish(event, { tx })
    beforeCommit()
    await tx.query('commit')
    return events
  } finally {
    await tx.end().catch(() => undefined)
  }
}

async function expectOnce({ id }: { id: string }): Promise<void> {
  const [orders, events, deliveries] = await ordersAndEvents(opened.database, id)
  expect([orders, events, deliveries]).toEqual([[id], [id], [id]])
  expect(breaches(orders, events, deliveries)).toEqual([])
  await opened.bus.worker().drain()
  expect(handled.filter((one) => one === id)).toEqual([id])
}

type Ids = readonly string[]

async function ordersAndEvents(
  database: Pool,
  id: string,
): Promise<readonly [orders: Ids, events: Ids, deliveries: Ids]> {
  const ids = async (statement: string) =>
    (await database.query<{ id: string }>(statement, [id])).rows.map((row) => row.id)
  return [
    await ids('select event_id as id from orders where event_id = $1'),
    await ids('select id from postbus.event where id = $1'),
    await ids(`select data ->> 'event' as id from pgboss.job where data ->> 'event' = $1`),
  ]
}
