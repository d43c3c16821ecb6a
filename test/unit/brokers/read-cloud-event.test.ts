/** CloudEvents as brokers carry them: in the body alone, or in headers and body, by any of their prefixes. */
import { describe, expect, test } from 'vitest'
import { readCloudEvent } from '../../../src/brokers/read-cloud-event.ts'

const ATTRIBUTES = {
  specversion: '1.0',
  id: 'e-1',
  source: '/shop',
  type: 'orders.order-created',
  time: '2026-01-31T12:00:00.000Z',
  correlationid: 'the order',
  partitionkey: 'köln',
}
const EXPECTED = {
  id: 'e-1',
  source: '/shop',
  type: 'orders.order-created',
  attributes: { partitionkey: 'köln' },
  data: { total: 42 },
  options: { occurredAt: new Date('2026-01-31T12:00:00Z'), correlationId: 'the order', causationId: 'e-1' },
}

describe('reads', () => {
  test('the structured mode, by a content type of the protocol', () => {
    const text = JSON.stringify({ ...ATTRIBUTES, data: { total: 42 } })
    const contentType = 'application/cloudevents+json; charset=utf-8'

    expect(readCloudEvent({ headers: {}, contentType, text: () => text })).toMatchObject(EXPECTED)
  })

  test('the structured mode, by a header', () => {
    const text = JSON.stringify({ ...ATTRIBUTES, data: { total: 42 } })
    const headers = { 'Content-Type': 'application/cloudevents+json' }

    expect(readCloudEvent({ headers, text: () => text })).toMatchObject(EXPECTED)
  })

  test.each(['ce-', 'CE-', 'ce_', 'cloudEvents_', 'cloudEvents:'])('the binary mode with the prefix %s', (prefix) => {
    const encode = (value: string) => (/^ce-/i.test(prefix) ? encodeURIComponent(value) : value)
    const headers = Object.fromEntries(
      Object.entries(ATTRIBUTES).map(([name, value]) => [prefix + name, encode(value)]),
    )
    const read = readCloudEvent({
      headers: { other: 'x', ...headers },
      contentType: 'application/json',
      text: () => '{"total":42}',
    })

    expect(read).toMatchObject(EXPECTED)
    expect(read.attributes).not.toHaveProperty('other')
  })

  test('data that are bytes, and data that are text', () => {
    const bytes = JSON.stringify({ ...ATTRIBUTES, data_base64: 'aGk=' })
    const headers = { 'ce-specversion': '1.0', 'ce-id': 'e', 'ce-source': 's', 'ce-type': 't' }

    expect(
      readCloudEvent({ headers: {}, contentType: 'application/cloudevents+json', text: () => bytes }).data,
    ).toEqual(Buffer.from('hi'))
    expect(readCloudEvent({ headers, contentType: 'text/plain', text: () => '{hi' }).data).toBe('{hi')
  })

  test('a value of a header that only looks encoded, and a time that is none', () => {
    const headers = { 'ce-specversion': '1.0', 'ce-id': '100%', 'ce-source': 's', 'ce-type': 't', 'ce-time': 'noon' }

    const { id, options } = readCloudEvent({ headers, text: () => '' })
    expect({ id, options }).toEqual({ id: '100%', options: { causationId: '100%' } })
  })
})

test.each([
  ['no attributes', {}, '{}', 'specversion'],
  ['another version of the specification', { 'ce-specversion': '0.3', 'ce-id': 'e', 'ce-source': 's', 'ce-type': 't' }, '', 'specversion'], // prettier-ignore
  ['a body that is no JSON', { 'content-type': 'application/cloudevents+json' }, '{', 'what should be JSON is none'],
  ['a batch', { 'content-type': 'application/cloudevents+json' }, '[]', 'its body is no JSON object'],
])('refuses %s', (_, headers, text, message) => {
  expect(() => readCloudEvent({ headers, text: () => text })).toThrow(
    expect.objectContaining({ code: 'POSTBUS_INVALID_EVENT', message: expect.stringContaining(message) }),
  )
})
