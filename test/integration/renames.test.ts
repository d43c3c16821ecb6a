/** A renamed handler or event type: it still owns its stored events and waiting deliveries, and people see its new name. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, type AnyHandler, type Bus, type BusSignal } from '../../src/index.ts'
import { drainEvents } from '../../src/testing/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { handlerOf, NewEvent, OldEvent, partitionKey, schema, type Ran } from '../support/renamed.ts'
import { emptyTables } from '../support/stored.ts'
import { until } from '../support/until.ts'

let shop: TestBus
let ran: Ran[] = []
const opened: Bus[] = []

beforeAll(async () => void (shop = await openTestBus()))

afterAll(() => shop.close())
beforeEach(async () => {
  await emptyTables(shop.database)
  ran = []
  return async () => void (await Promise.all(opened.splice(0).map((bus) => bus.close())))
})

test('with workers and publishers of both names at once, no event is lost or handled twice, and each key keeps its order', async () => {
  const keys = Array.from({ length: 12 }, (_, index) => `order-${index}`)
  const [before, after] = [release('old'), release('new')]
  for (const turn of turns(1, 20)) await before.publish(keys.map((orderId) => OldEvent({ orderId, turn })))

  const few = { queues: { events: 1, events_partitioned: 1 }, pollMs: 100 }
  const workers = [before.worker(few), after.worker({ pollMs: 100 }), after.worker({ pollMs: 100 })]
  await workers[0]?.start() // with one slot it is still busy when the others start
  await until('the old worker runs', () => ran.length > 0)
  await Promise.all(workers.slice(1).map((worker) => worker.start()))
  await Promise.all(
    keys.map(async (orderId) => {
      for (const turn of turns(21, 40)) {
        if (turn % 2 === 0) await before.publish(OldEvent({ orderId, turn }))
        else await after.publish(NewEvent({ orderId, turn }))
      }
    }),
  )
  await until('everything has run', () => ran.length >= keys.length * 40, 30_000)
  await Promise.all(workers.map((worker) => worker.stop()))

  for (const orderId of keys) {
    expect(ran.filter((one) => one.orderId === orderId).map(({ turn }) => turn)).toEqual(turns(1, 40))
  }
  expect(new Set(ran.map(({ deliveryId }) => deliveryId)).size).toBe(keys.length * 40)
  expect(new Set(ran.map(({ by }) => by))).toEqual(new Set(['old', 'new']))
  expect(await drained(after)).toEqual({ done: 0, failed: 0, dead: 0, snoozed: 0 })
})

test('events that the new code publishes are stored under the first names', async () => {
  await release('new').publish(NewEvent({ orderId: 'o-1', turn: 1 }))

  const { rows } = await shop.database.query(
    `select event.type, job.data ->> 'handler' as handler, job.data ->> 'type' as job_type, job.singleton_key as lane
    from postbus.event, pgboss.job`,
  )
  expect(rows).toEqual([
    { type: 'orders.created', handler: 'mail.receipt', job_type: 'orders.created', lane: 'mail.receipt:o-1' },
  ])
})

test('the handler that caused an event is stored under its first name, and shown under its new one', async () => {
  const Sent = defineEvent('mail.receipt-sent', { schema: z.object({}) })
  const causes: unknown[] = []
  const bus: Bus = open([
    defineHandler('post.deliver-receipt', {
      on: NewEvent,
      previousNames: ['mail.receipt'],
      handle: () => bus.publish(Sent({})),
    }),
    defineHandler('audit.log', { on: Sent, handle: ({ causedByHandler }) => void causes.push(causedByHandler) }),
  ])
  await bus.publish(NewEvent({ orderId: 'o-1', turn: 1 }))

  await drained(bus)

  const stored = 'select caused_by_handler from postbus.event where caused_by_handler is not null'
  const { rows } = await shop.database.query(stored)
  expect(rows).toEqual([{ caused_by_handler: 'mail.receipt' }])
  expect(causes).toEqual(['post.deliver-receipt'])
})

test('events stored under an intermediate name are handled too', async () => {
  const Made = defineEvent('orders.made', { schema, partitionKey })
  const handlers = [defineHandler('mail.receipts', { on: Made, handle: () => undefined })]
  const between = createBus({ connectionString: shop.connectionString, handlers })
  opened.push(between)
  await between.publish(Made({ orderId: 'o-1', turn: 1 }))

  await drained(release('new'))

  expect(ran).toMatchObject([{ by: 'new', orderId: 'o-1' }])
})

test('the handler sees the new name of the type, also when a test drains in its own transaction', async () => {
  const types: string[] = []
  const signals: BusSignal[] = []
  const bus = open(
    [
      defineHandler('post.deliver-receipt', {
        on: NewEvent,
        previousNames: ['mail.receipt'],
        maxAttempts: 1,
        handle: ({ type }) => {
          types.push(type)
          throw new Error('no printer')
        },
      }),
    ],
    signals,
  )
  await release('old').publish(turns(1, 3).map((turn) => OldEvent({ orderId: 'o-1', turn })))
  const client = await shop.database.connect()
  await client.query('begin')

  await drainEvents({ bus, tx: { executeSql: (text, values) => client.query(text, [...values]) } })
  await client.query('rollback')
  client.release()
  await drained(bus)

  expect(types.slice(-3)).toHaveLength(3)
  expect(new Set(types)).toEqual(new Set(['sales.order-placed']))
  const dead = signals.filter(({ name }) => name === 'delivery.dead')
  expect(dead.length).toBeGreaterThan(0)
  expect(dead.at(-1)).toMatchObject({ fields: { handler: 'post.deliver-receipt', eventType: 'sales.order-placed' } })
  expect(JSON.stringify(signals)).not.toMatch(/mail\.receipt|orders\.created/)
})

test('a limit of the renamed handler also counts deliveries that wait under its first name', async () => {
  let [running, most] = [0, 0]
  const limited = defineHandler('post.deliver-receipt', {
    on: NewEvent,
    previousNames: ['mail.receipt'],
    concurrency: { perProcess: 2, cluster: 2 },
    handle: async ({ data }, { deliveryId }) => {
      most = Math.max(most, (running += 1))
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      ran.push({ by: 'new', ...data, deliveryId })
    },
  })
  await release('old').publish(turns(1, 20).map((turn) => OldEvent({ orderId: `o-${turn}`, turn })))

  await drained(open([limited]))

  expect(ran).toHaveLength(20)
  expect(most).toBe(2)
})

function turns(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}

function release(by: Ran['by']): Bus {
  return open([handlerOf(by, ran)])
}

function open(handlers: readonly AnyHandler[], signals: BusSignal[] = []): Bus {
  const { connectionString } = shop
  const bus = createBus({ connectionString, handlers, onSignal: (signal) => void signals.push(signal) })
  opened.push(bus)
  return bus
}
