import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent } from '../../../src/events/event.ts'
import { refusalOf } from '../refusal.ts'

const OrderCreated = defineEvent('orders.order-created', {
  schema: z.object({
    orderId: z.string(),
    total: z.number(),
    lines: z.array(z.object({ sku: z.string() })).default([]),
  }),
  partitionKey: (data) => data.orderId,
})

const anOrder = { orderId: 'o1', total: 42 }

describe('an event', () => {
  test('has its type, its version and the schema’s output as its data', () => {
    const event = OrderCreated(anOrder)

    expect(event).toMatchObject({
      type: 'orders.order-created',
      version: 1,
      data: { orderId: 'o1', total: 42, lines: [] },
      partitionKey: 'o1',
    })
  })

  test('has no field that its publisher did not set', () => {
    const event = OrderCreated(anOrder)

    expect(event).toMatchObject({
      correlationId: null,
      causationId: null,
      source: null,
      metadata: {},
      expiresAt: null,
    })
  })

  test('happened at the time of its creation, unless its publisher sets another time', () => {
    const before = Date.now()

    const events = [OrderCreated(anOrder), OrderCreated(anOrder, { occurredAt: new Date('2026-01-01') })]

    expect(events[0]?.occurredAt.getTime()).toBeGreaterThanOrEqual(before)
    expect(events[0]?.occurredAt.getTime()).toBeLessThanOrEqual(Date.now())
    expect(events[1]?.occurredAt).toEqual(new Date('2026-01-01'))
  })

  test('keeps everything that its publisher sets', () => {
    const said = { correlationId: 'c1', causationId: 'c2', source: 'shop', metadata: { tenant: 'a' } }

    const event = OrderCreated(anOrder, said)

    expect(event).toMatchObject(said)
  })

  test('expires this long after it happened', () => {
    const occurredAt = new Date('2026-01-01T00:00:00Z')

    const event = OrderCreated(anOrder, { occurredAt, ttlMs: 90_000 })

    expect(event.expiresAt).toEqual(new Date('2026-01-01T00:01:30Z'))
  })

  test('is frozen, and so is the schema’s output', () => {
    const event = OrderCreated(anOrder)

    expect(Object.isFrozen(event)).toBe(true)
    expect(Object.isFrozen(event.data)).toBe(true)
  })

  test('has a copy of an object that the schema returned unchanged, and does not freeze the caller’s object', () => {
    const PassedOn = defineEvent('orders.passed-on', { schema: z.custom<{ total: number }>() })
    const mine = { total: 1 }

    const event = PassedOn(mine)

    expect(event.data).toEqual(mine)
    expect(event.data).not.toBe(mine)
    expect([Object.isFrozen(event.data), Object.isFrozen(mine)]).toEqual([true, false])
  })

  test('keeps its time when the given Date is changed', () => {
    const occurredAt = new Date('2026-01-01T00:00:00Z')
    const event = OrderCreated(anOrder, { occurredAt })

    occurredAt.setFullYear(1999)

    expect(event.occurredAt).toEqual(new Date('2026-01-01T00:00:00Z'))
  })

  test('does not freeze an instance of a class, which would break it', () => {
    const At = defineEvent('orders.at', { schema: z.coerce.date() })

    const event = At('2026-01-01')

    expect(Object.isFrozen(event.data)).toBe(false)
  })
})

describe('the id of an event', () => {
  test('is a new UUIDv7 for every event', () => {
    const [one, other] = [OrderCreated(anOrder).id, OrderCreated(anOrder).id]

    expect(one).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
    expect(other > one).toBe(true)
  })

  test('is stored in lower case when given, as the database returns it', () => {
    const given = 'ABCDEF00-0000-4000-8000-00000000000A'

    const event = OrderCreated(anOrder, { id: given })

    expect(event.id).toBe('abcdef00-0000-4000-8000-00000000000a')
  })

  test.each(['', 'o1', '00000000-0000-4000-8000-00000000000', '{00000000-0000-4000-8000-000000000000}'])(
    'is refused when it is not a UUID: %j',
    (id) => {
      const error = refusalOf(() => OrderCreated(anOrder, { id }))

      expect(error.code).toBe('POSTBUS_INVALID_EVENT')
      expect(error.message).toBe(`orders.order-created: \`id\` '${id}' is not a UUID.`)
    },
  )
})

describe('a publisher cannot set', () => {
  test.each([0, -1, Number.NaN, Infinity, 2 ** 52])('a lifetime of %d ms', (ttlMs) => {
    const error = refusalOf(() => OrderCreated(anOrder, { ttlMs }))

    expect(error.message).toContain('`ttlMs`')
  })

  test.each([
    new Date(Number.NaN),
    new Date('+010000-01-01T00:00:00Z'),
    new Date('0000-12-31T23:59:59Z'),
    '2026-01-01',
    0,
  ])('an invalid time, or one that Postgres could not read: %s', (occurredAt) => {
    const error = refusalOf(() => OrderCreated(anOrder, { occurredAt: occurredAt as never }))

    expect(error.code).toBe('POSTBUS_INVALID_EVENT')
    expect(error.message).toContain('`occurredAt` is not a valid Date')
  })

  test('a lifetime that ends after the year 9999', () => {
    const occurredAt = new Date('9999-12-31T23:59:59Z')

    const event = OrderCreated(anOrder, { occurredAt, ttlMs: 999 })
    const error = refusalOf(() => OrderCreated(anOrder, { occurredAt, ttlMs: 1_000 }))

    expect(event.expiresAt?.toISOString()).toBe('9999-12-31T23:59:59.999Z')
    expect(error.message).toContain('before the year 10000')
  })

  test.each([7, null, {}])('an id that is not a string: %j', (id) => {
    const error = refusalOf(() => OrderCreated(anOrder, { id: id as never }))

    expect(error.message).toContain('is not a UUID')
  })

  test.each(['correlationId', 'causationId', 'source'])('an empty `%s`', (field) => {
    const error = refusalOf(() => OrderCreated(anOrder, { [field]: '' }))

    expect(error.message).toBe(`orders.order-created: \`${field}\` is "": expected text.`)
  })

  test('metadata that JSON would change', () => {
    const error = refusalOf(() => OrderCreated(anOrder, { metadata: { at: new Date(0) as never } }))

    expect(error.message).toContain('`metadata.at` is a Date')
  })
})

describe('data that the schema refuses', () => {
  const wrong = { orderId: 7, total: 'much', lines: [{ sku: 'a' }, { sku: 8 }] } as never

  test('are reported together, each problem with its path', () => {
    const error = refusalOf(() => OrderCreated(wrong))

    expect(error.code).toBe('POSTBUS_INVALID_EVENT')
    expect(error.message.split('\n')).toEqual([
      'orders.order-created: 3 problems',
      expect.stringMatching(/^ {2}✖ .*expected string.* → at orderId$/),
      expect.stringMatching(/^ {2}✖ .*expected number.* → at total$/),
      expect.stringMatching(/^ {2}✖ .*expected string.* → at lines\.1\.sku$/),
    ])
  })

  test('are reported without a path when the data as a whole is wrong', () => {
    const error = refusalOf(() => OrderCreated('o1' as never))

    expect(error.message).toMatch(/^orders\.order-created: 1 problem\n {2}✖ [^→]*$/)
  })

  test.each([
    ['data', () => OrderCreated(wrong)],
    ['options', () => OrderCreated(anOrder, { source: '' })],
    ['a partition key', () => OrderCreated({ ...anOrder, orderId: '' })],
  ])('are reported with a stack that begins at the line that made the event, like all refusals: %s', (_, make) => {
    const error = refusalOf(function theCaller() {
      make()
    })

    const [firstFrame] = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
    expect(firstFrame).toContain('event.test.ts')
  })

  test('are reported with the paths of other Standard Schema libraries: keys, or objects with a key', () => {
    const refusing = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => ({ issues: [{ message: 'no', path: [{ key: 'lines' }, 0, Symbol('sku')] }] }),
      },
    } as const
    const Refused = defineEvent('orders.refused', { schema: refusing })

    const error = refusalOf(() => Refused({}))

    expect(error.message).toContain('✖ no → at lines.0.Symbol(sku)')
  })
})
