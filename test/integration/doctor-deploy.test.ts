/** `doctor --deploy`, run by the code of the next deploy: it finds waiting deliveries that this code could not handle. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createBus,
  defineEvent,
  defineHandler,
  type AnyHandler,
  type Bus,
  type DoctorFinding,
} from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { postbus } from '../support/cli.ts'
import { drained } from '../support/drained.ts'
import { anOrderOf, receiptOf, V2 } from '../support/order-versions.ts'
import { rejectionOf } from '../unit/refusal.ts'
import { emptyTables } from '../support/stored.ts'

const Counted = defineEvent('stock.counted', { schema: z.object({ shelf: z.string() }) })
const handle = () => undefined
const report = defineHandler('stock.report', { on: Counted, handle })

let shop: TestBus
const opened: Bus[] = []

beforeAll(async () => {
  shop = await openTestBus({ handlers: [report, ...['slow', 'parcels'].map(inQueue)] })
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  return async () => void (await Promise.all(opened.splice(0).map((bus) => bus.close())))
})

test('nothing waits, or the new code can handle everything: ok', async () => {
  const idle = await deployFindings(busWith(report))
  await busWith(report).publish([1, 2, 3].map((shelf) => Counted({ shelf: `${shelf}` })))
  const renamed = defineHandler('stock.write-report', { on: Counted, previousNames: ['stock.report'], handle })

  const busy = await deployFindings(busWith(renamed))

  expect([...idle, ...busy]).toEqual([
    { check: 'deploy', status: 'ok', message: 'nothing waits' },
    { check: 'deploy', status: 'ok', message: 'this code can go on with all 3 deliveries that wait' },
  ])
})

test('a removed or wrongly renamed handler is a problem with the number of waiting deliveries, and dead letters alone are a warning', async () => {
  const failing = defineHandler('stock.report', { on: Counted, maxAttempts: 1, handle: () => Promise.reject() })
  await busWith(failing).publish(Counted({ shelf: 'left' }))
  await drained(busWith(failing))
  const dead = await deployFindings(busWith())
  await busWith(report).publish([1, 2].map((shelf) => Counted({ shelf: `${shelf}` })))

  const findings = await deployFindings(busWith(defineHandler('stock.write-report', { on: Counted, handle })))

  expect(dead).toMatchObject([
    { status: 'warning', message: expect.stringContaining('"stock.report" has 1 open dead letters') as unknown },
  ])
  expect(findings).toEqual([
    {
      check: 'deploy',
      status: 'problem',
      message:
        '"stock.report" has 2 waiting deliveries and 1 open dead letters, but this code has no handler of that name. ' +
        "If it was renamed, give the new one previousNames: ['stock.report']. If it goes, let the code before finish them first",
    },
  ])
})

test('versions that the code cannot read are problems: older ones without upcasts, and newer ones', async () => {
  const bare = defineEvent('orders.order-created', { version: 2, schema: z.object({}) })
  await busWith(receiptOf(1, [])).publish(anOrderOf[1]())
  await busWith(receiptOf(3, [])).publish(anOrderOf[3]())

  const withUpcasts = await deployFindings(busWith(receiptOf(3, [])))
  const without = await deployFindings(busWith(defineHandler('mail.receipt', { on: bare, handle })))

  const what = '"mail.receipt" has 1 waiting deliveries of orders.order-created version'
  expect(withUpcasts).toMatchObject([{ status: 'ok' }])
  expect(without.map(({ status, message }) => `${status} ${message}`)).toEqual([
    `problem ${what} 1, and there is no upcast from version 1 to 2: they would be dead letters. Add the upcast`,
    `problem ${what} 3, but knows no version above 2: they would wait for newer code. Deploy code that knows version 3`,
  ])
})

test('an event type that the handler no longer listens to, and a queue that no handler uses, are problems', async () => {
  await busWith(report, inQueue('slow')).publish(Counted({ shelf: 'left' }))

  const findings = await deployFindings(
    busWith(
      defineHandler('stock.report', { on: V2, handle }),
      defineHandler('stock.count-slow', { on: Counted, handle }),
    ),
  )

  expect(findings.map(({ message }) => message)).toEqual([
    'queue "slow" has 1 waiting deliveries, but no handler of this code uses it. Let the code before finish them first',
    expect.stringContaining('of stock.counted version 1, but does not listen to it') as unknown,
  ])
})

test('the command exits with code 3 when deliveries would be left behind', async () => {
  await busWith(report).publish(Counted({ shelf: 'left' }))

  const { code, out } = await postbus(shop.connectionString, ['doctor', '--deploy'])

  expect(code).toBe(3)
  expect(out).toContain('"stock.report" has 1 waiting deliveries, but this code has no handler of that name')
})

test('an unknown option is refused', async () => {
  const error = await rejectionOf(shop.bus.doctor({ deployed: true } as never))

  expect(error.code).toBe('POSTBUS_INVALID_OPTIONS')
})

function inQueue(queue: string): AnyHandler {
  return defineHandler(`stock.count-${queue}`, { on: Counted, queue, handle })
}

async function deployFindings(bus: Bus): Promise<readonly DoctorFinding[]> {
  return (await bus.doctor({ deploy: true })).filter(({ check }) => check === 'deploy' || check === 'handlers')
}

function busWith(...handlers: readonly AnyHandler[]): Bus {
  const bus = createBus({ connectionString: shop.connectionString, handlers, onSignal: () => undefined })
  opened.push(bus)
  return bus
}
