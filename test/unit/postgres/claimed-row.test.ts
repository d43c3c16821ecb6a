/** Claimed rows, as they come from our own connections and from other clients. */
import { expect, test } from 'vitest'
import {
  claimedDelivery,
  claimedRuns,
  isTrue,
  namesIn,
  queryClaimed,
} from '../../../src/backends/postgres/deliveries/claimed-row.ts'
import { timestampFrom } from '../../../src/backends/postgres/deliveries/timestamp-from.ts'
import type { Queryable } from '../../../src/backends/postgres/connection.ts'

const text = {
  id: '00000000-0000-0001-0000-00000000000a',
  handler: 'mail.receipt',
  claim: '60000001.5',
  attempt: '2',
  seq: '1',
  event_id: '018f0000-0000-7000-8000-000000000001',
  type: 'orders.order-created',
  version: '3',
  partition_key: null,
  payload: '{"json":{}}',
  correlation_id: 'c1',
  causation_id: null,
  source: 'shop',
  metadata: '{"tenant":"a"}',
  occurred_at: '2026-01-01 01:02:03.004+00',
  expires_at: null,
  rest: null,
}
const delivery = {
  id: text.id,
  queue: 'events',
  handler: 'mail.receipt',
  claim: 60_000_001.5,
  attempt: 2,
  event: {
    seq: '1',
    id: text.event_id,
    type: 'orders.order-created',
    version: 3,
    partitionKey: null,
    payload: '{"json":{}}',
    correlationId: 'c1',
    causationId: null,
    source: 'shop',
    metadata: '{"tenant":"a"}',
    occurredAt: new Date('2026-01-01T01:02:03.004Z'),
    expiresAt: null,
    rest: null,
  },
  behind: [],
}

test.each([
  ['arrays of text', { fields: Object.keys(text).map((name) => ({ name })), rows: [Object.values(text)] }],
  ['objects of text', { rows: [text] }],
  [
    'objects of values',
    {
      rows: [
        {
          ...text,
          claim: 60_000_001.5,
          attempt: 2,
          seq: 1n,
          version: 3,
          occurred_at: new Date(Date.UTC(2026, 0, 1, 1, 2, 3, 4)),
        },
      ],
    },
  ],
])('a row of %s is read as the same delivery', async (_, answer) => {
  const { rows, at } = await queryClaimed(clientThat(answer), { name: 'claim', text: 'select' }, [])

  expect(rows.map((row) => claimedDelivery('events', row, at))).toEqual([delivery])
})

test('a row without a claim is behind the previous row with a claim, and has its claim', async () => {
  const follower = { ...text, id: '00000000-0000-0002-0000-00000000000a', claim: null, attempt: '1' }
  const other = { ...text, id: '00000000-0000-0003-0000-00000000000a' }
  const database = { query: async () => ({ rows: [text, follower, other] }) } as unknown as Queryable
  const { rows, at } = await queryClaimed(database, { name: 'claim', text: '' }, [])

  const runs = claimedRuns('events_partitioned', rows, at)

  expect(runs.map(({ id, behind }) => [id, behind.map((one) => [one.id, one.claim])])).toEqual([
    [text.id, [[follower.id, delivery.claim]]],
    [other.id, []],
  ])
})

test('a delivery whose event is gone has no event', async () => {
  const { rows, at } = await queryClaimed(
    clientThat({ rows: [{ ...text, seq: null, event_id: null }] }),
    { name: 'claim', text: 'select' },
    [],
  )

  expect(rows.map((row) => claimedDelivery('events', row, at))).toEqual([{ ...delivery, event: null }])
})

test.each([
  ['2026-11-28 22:18:20.46+00', '2026-11-28T22:18:20.460Z'],
  ['2026-11-28 22:18:20+00', '2026-11-28T22:18:20.000Z'],
  ['2026-11-28 22:18:20.123456+02', '2026-11-28T20:18:20.123Z'],
  ['2026-11-28 22:18:20.1-11', '2026-11-29T09:18:20.100Z'],
  ['2026-11-28 22:18:20+05:30', '2026-11-28T16:48:20.000Z'],
  ['1884-01-01 00:00:00-00:01:15', '1884-01-01T00:01:15.000Z'],
  ['0044-03-15 12:00:00+00', '0044-03-15T12:00:00.000Z'],
  ['9999-12-31 23:59:59.999+00', '9999-12-31T23:59:59.999Z'],
])('the time %s is read as %s', (written, expected) => {
  expect(timestampFrom(written).toISOString()).toBe(expected)
})

test('booleans and names are read from text and from values', () => {
  expect([isTrue('t'), isTrue(true), isTrue('f'), isTrue(null), isTrue(undefined)]).toEqual([
    true,
    true,
    false,
    false,
    false,
  ])
  expect([namesIn('{mail.receipt,mail.send}'), namesIn(['mail.receipt']), namesIn('{}'), namesIn(null)]).toEqual([
    ['mail.receipt', 'mail.send'],
    ['mail.receipt'],
    [],
    [],
  ])
})

function clientThat(answer: object): Queryable {
  return { query: async () => answer as never }
}
