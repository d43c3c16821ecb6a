/** An event is the same after encoding and decoding. Some events are encoded by number only, and must be read from Postgres. */
import { expect, test } from 'vitest'
import type { LogEvent } from '../../../src/deliveries/log-reading.ts'
import { decodeMessage, encodeMessage } from '../../../src/jetstream/log-message.ts'

const PLACE = { before: 4_000_000_000, beforeInPartition: 17 }
const LARGEST = 1_048_576

test.each<[string, Partial<LogEvent>]>([
  ['a usual one', {}],
  [
    'one with all fields',
    { correlationId: 'c', causationId: 'd', source: 's', metadata: '{"a":1}', rest: '{"replay": null}' },
  ],
  ['one without key', { partitionKey: null }],
  ['one whose data has line breaks', { payload: '{\n  "a": 1\n}\n' }],
  ['one with characters of all sizes', { partitionKey: 'kölн 漢 🚚', payload: '{"a":"é漢🚚\\u0000"}' }],
  ['one without data', { payload: '' }],
])('%s', (_what, fields) => {
  const event = anEvent(fields)

  expect(decodeMessage(encodeMessage(event, PLACE, LARGEST))).toEqual({ ...PLACE, event, isLookedUp: false })
})

test.each<[string, Partial<LogEvent>, number]>([
  ['it has a time limit', { expiresAt: new Date(0) }, LARGEST],
  ['it is published for later', { rest: '{"due_at": "2026-01-01", "is_early": true}' }, LARGEST],
  ['it is larger than a message may be', { payload: 'x'.repeat(5_000) }, 5_000],
  ['its bytes are more than a message may have', { payload: '漢'.repeat(1_700) }, 5_000],
])('only its number is sent when %s', (_why, fields, largest) => {
  const data = encodeMessage(anEvent(fields), PLACE, largest)

  expect(data.length).toBeLessThan(500)
  expect(decodeMessage(data)).toMatchObject({
    ...PLACE,
    isLookedUp: true,
    event: { number: 7, hash: 65_535, type: 'notes.taken' },
  })
})

test.each(['', 'hello', '\n', '{}\n', '[1]\n', 'null\n', '{"number":1,"id":"x"}\n', '{"number":1'])(
  'a message of another program is not decoded: %j',
  (text) => {
    expect(decodeMessage(new TextEncoder().encode(text))).toBeNull()
  },
)

function anEvent(fields: Partial<LogEvent>): LogEvent {
  return {
    seq: '7',
    number: 7,
    hash: 65_535,
    id: '01920000-0000-7000-8000-000000000000',
    type: 'notes.taken',
    version: 3,
    partitionKey: 'key',
    payload: '{"json":{"n":1}}',
    correlationId: null,
    causationId: null,
    source: null,
    metadata: null,
    occurredAt: new Date('2026-01-02T03:04:05.678Z'),
    publishedAt: 1_767_323_045_678.9,
    expiresAt: null,
    rest: null,
    ...fields,
  }
}
