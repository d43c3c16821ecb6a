/** The defaults of a bus for its events: their id and their time to live. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, type BusOptions, type Envelope } from '../../../src/index.ts'
import { refusalOf } from '../refusal.ts'

const Sold = defineEvent('shop.sold', { schema: z.object({}) })
const OWN = '00000000-0000-4000-8000-00000000000f'
const idOf = (n: number) => `00000000-0000-4000-8000-00000000000${n}`

const seen: Envelope[] = []
const keep = defineHandler('test.keep', { on: '*', handle: (event) => void seen.push(event) })

test('an event without its own ttl gets the ttl of the bus', async () => {
  const bus = busWith({ ttlMs: 60_000 })
  const occurredAt = new Date('2126-01-01T00:00:00Z')

  await bus.publish([Sold({}, { occurredAt }), Sold({}, { occurredAt, ttlMs: 1 })])

  expect(seen.map(({ expiresAt }) => expiresAt?.toISOString())).toEqual([
    '2126-01-01T00:01:00.000Z',
    '2126-01-01T00:00:00.001Z',
  ])
})

test('an event that would expire after the year 9999 is refused, before anything is published', async () => {
  const bus = busWith({ ttlMs: 60_000 })

  const publishing = bus.publish([Sold({}), Sold({}, { occurredAt: new Date('9999-12-31T23:59:59Z') })])

  await expect(publishing).rejects.toMatchObject({
    code: 'POSTBUS_INVALID_EVENT',
    message: expect.stringContaining('shop.sold: it would expire after the year 9999') as unknown,
  })
  expect(seen).toEqual([])
})

test('an event without a given id gets one from the bus, and publish returns it', async () => {
  let made = 0
  const bus = busWith({ createId: () => idOf((made += 1)).toUpperCase() })

  const { events } = await bus.publish([Sold({}), Sold({}, { id: OWN }), Sold({})])

  expect(events.map(({ id }) => id)).toEqual([idOf(1), OWN, idOf(2)])
  expect(seen.map(({ id }) => id)).toEqual([idOf(1), OWN, idOf(2)])
  expect(made).toBe(2)
})

test('an event that is published again keeps that id, and so does a copy of it', async () => {
  let made = 0
  const bus = busWith({ createId: () => idOf((made += 1)) })
  const event = Sold({})

  await bus.publish(event)
  const { events } = await bus.publish([event, Object.freeze({ ...event, source: 'copy' })])

  expect(events).toEqual([1, 2].map(() => ({ id: idOf(1), deliveries: 0, duplicate: true })))
})

test('an event that a handler publishes gets an id of the bus, and names the handled event as its cause', async () => {
  let made = 0
  const Handed = defineEvent('shop.handed-on', { schema: z.object({}) })
  const chain = defineHandler('test.chain', {
    on: Sold,
    handle: (_, { publish }) => publish(Handed({})).then(() => undefined),
  })
  const bus = busWith({ createId: () => idOf((made += 1)), handlers: [keep, chain] })

  await bus.publish(Sold({}))

  expect(seen.map(({ type, id, causationId }) => [type, id, causationId])).toEqual([
    ['shop.sold', idOf(1), null],
    ['shop.handed-on', idOf(2), idOf(1)],
  ])
})

test.each([undefined, 'o-1', 7, null])('createId that returns %j is refused with the returned value', async (id) => {
  const bus = busWith({ createId: () => id as never })

  await expect(bus.publish(Sold({}))).rejects.toMatchObject({
    code: 'POSTBUS_INVALID_EVENT',
    message: expect.stringContaining('shop.sold: `createId` of the bus returned') as unknown,
  })
})

test.each([{ ttlMs: 0 }, { ttlMs: -1 }, { ttlMs: 1.5 }, { ttlMs: Infinity }, { ttlMs: '1' }, { createId: 'uuid' }])(
  'createBus refuses %o',
  (options) => {
    expect(refusalOf(() => createBus({ backend: 'inline', ...options } as never)).code).toBe('POSTBUS_INVALID_OPTIONS')
  },
)

function busWith(options: BusOptions) {
  seen.length = 0
  return createBus({ backend: 'inline', handlers: [keep], onSignal: () => undefined, ...options })
}
