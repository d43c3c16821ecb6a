/** The formats of relays: CloudEvents as an independent implementation reads them, and envelopes as we read them. */
import { HTTP, type CloudEvent } from 'cloudevents'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, type Envelope } from '../../../src/index.ts'
import { messagesIn, type MessageOptions } from '../../../src/relay/formats.ts'
import { headersOf, readEnvelope, type RelayFormat, type RelayMessage } from '../../../src/relay/index.ts'

const OrderCreated = defineEvent('orders.order-created', {
  version: 2,
  schema: z.record(z.string(), z.unknown()),
  partitionKey: ({ orderId }) => (typeof orderId === 'string' ? orderId : null),
})
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

const everything = OrderCreated(
  { orderId: 'Größe 1', placedAt: new Date(0), cents: 12n, tags: new Set(['new']), counts: new Map([['a', 1]]) },
  {
    source: '/shop',
    correlationId: 'order from the web',
    causationId: 'a click',
    occurredAt: new Date('2026-05-01T12:00:00.123Z'),
    ttlMs: 60_000,
    metadata: { traceparent: TRACEPARENT, tracestate: 'vendor=1', tenant: 'acme' },
  },
)
const JSON_DATA = {
  orderId: 'Größe 1',
  placedAt: '1970-01-01T00:00:00.000Z',
  cents: '12',
  tags: ['new'],
  counts: [['a', 1]],
}
const ATTRIBUTES = {
  specversion: '1.0',
  id: everything.id,
  source: '/shop',
  type: 'orders.order-created',
  subject: 'Größe 1',
  partitionkey: 'Größe 1',
  correlationid: 'order from the web',
  causationid: 'a click',
  time: '2026-05-01T12:00:00.123Z',
  expirytime: '2026-05-01T12:01:00.123Z',
  traceparent: TRACEPARENT,
  tracestate: 'vendor=1',
}

test('a structured CloudEvent has all fields, and only data that JSON can express', async () => {
  const message = await made('cloudevents', everything)

  const read = parsed({ 'content-type': message.contentType }, message)
  expect(read.validate()).toBe(true)
  expect(read.toJSON()).toEqual({
    ...ATTRIBUTES,
    dataversion: 2,
    datacontenttype: 'application/json',
    data: JSON_DATA,
  })
  expect(message).toMatchObject({ id: everything.id, type: everything.type, partitionKey: 'Größe 1', attributes: {} })
})

test('a binary CloudEvent has the same fields, in headers that every server accepts', async () => {
  const message = await made('cloudevents-binary', everything)
  const headers = headersOf(message, { prefix: 'ce-', isEncoded: true })

  expect(Object.values(headers).join('')).toMatch(/^[\x21-\x7e]+$/)
  const decoded = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, decodeURIComponent(value)]))
  const read = parsed({ 'content-type': message.contentType, ...decoded }, message)
  expect(read.validate()).toBe(true)
  expect(read.toJSON()).toEqual({
    ...ATTRIBUTES,
    dataversion: '2',
    datacontenttype: 'application/json',
    data: JSON_DATA,
  })
})

test('headers of other protocols have their own prefix and plain text', async () => {
  const message = await made('cloudevents-binary', everything)

  expect(headersOf(message, { prefix: 'ce_' })).toMatchObject({ ce_id: everything.id, ce_subject: 'Größe 1' })
  expect(headersOf(await made('cloudevents', everything), { prefix: 'ce_' })).toEqual({})
})

test('an event with nothing but data is a valid CloudEvent without the unknown attributes', async () => {
  const bare = OrderCreated({})

  const message = await made('cloudevents', bare)

  expect(parsed({}, message).validate()).toBe(true)
  expect(JSON.parse(String(message.body))).toEqual({
    specversion: '1.0',
    id: bare.id,
    source: 'postbus',
    type: 'orders.order-created',
    time: bare.occurredAt.toISOString(),
    dataversion: 2,
    datacontenttype: 'application/json',
    data: {},
  })
})

test.each([
  ['https://shop.example/orders?all#1', 'https://shop.example/orders?all#1'],
  ['urn:shop', 'urn:shop'],
  ['shop', 'shop'],
  ['shop%20one', 'shop%20one'],
  ['my shop', 'my%20shop'],
  ['1shop:a', '1shop%3Aa'],
  ['100%', '100%25'],
  ['a#b#c', 'a%23b%23c'],
  ['Läden', 'L%C3%A4den'],
])('the source %j becomes the URI reference %j', async (source, expected) => {
  const read = parsed({}, await made('cloudevents', OrderCreated({}, { source })))

  expect(read.source).toBe(expected)
  expect(read.validate()).toBe(true)
})

test('a relay can choose the source, the type, the schema and further attributes', async () => {
  const message = await made('cloudevents', everything, {
    source: ({ metadata }) => `https://${metadata['tenant'] as string}.example`,
    type: ({ type }) => `com.example.${type}`,
    dataSchema: ({ version }) => `https://example.com/order-created/${version}`,
    extensions: ({ metadata }) => ({ tenant: metadata['tenant'] as string, priority: 3, istest: false }),
  })

  expect(parsed({}, message).toJSON()).toMatchObject({
    source: 'https://acme.example',
    type: 'com.example.orders.order-created',
    dataschema: 'https://example.com/order-created/2',
    tenant: 'acme',
    priority: 3,
    istest: false,
  })
})

test.each([
  ['a name with capitals', { tenantId: 'acme' }],
  ['a long name', { abcdefghijklmnopqrstu: 'x' }],
  ['a name that is taken', { id: '1' }],
  ['a name that the event does not use', { subject: '1' }],
  ['the name of the data', { data: '1' }],
  ['empty text', { tenant: '' }],
  ['a broken number', { share: 0.5 }],
  ['a number that is too large', { count: 2 ** 31 }],
])('extensions cannot contain %s', async (_, extensions: Record<string, string | number>) => {
  await expect(async () =>
    made('cloudevents', OrderCreated({}), { extensions: () => extensions }),
  ).rejects.toMatchObject({
    code: 'POSTBUS_INVALID_EVENT',
    message: expect.stringContaining('`extensions` gave the attribute'),
  })
})

test('data that only superjson can express are sent as superjson, if the relay says so', async () => {
  const read = parsed({}, await made('cloudevents', everything, { data: 'superjson' }))

  expect(read.data).toEqual({ json: JSON_DATA, meta: expect.objectContaining({ values: expect.anything() }) })
})

class Money {
  readonly cents: number
  constructor(cents: number) {
    this.cents = cents
  }
}
const money = {
  name: 'money',
  is: (value: unknown): value is Money => value instanceof Money,
  encode: ({ cents }: Money) => `${cents} cents`,
  decode: (text: string) => new Money(Number.parseInt(text, 10)),
}

test("objects of the application's own classes are written by its codecs, and refused without them", async () => {
  const paid = OrderCreated({ price: new Money(5) })

  const withCodec = parsed({}, await made('cloudevents', paid, { codecs: [money] }))

  expect(withCodec.data).toEqual({ price: '5 cents' })
  await expect(async () => made('cloudevents', paid)).rejects.toMatchObject({ code: 'POSTBUS_UNSERIALIZABLE' })
})

test.each([
  ['text', (body: string | Uint8Array) => body],
  ['bytes', (body: string | Uint8Array) => Buffer.from(body)],
])('an envelope that is read from %s equals the event that was sent', async (_, as) => {
  const event = OrderCreated({ ...everything.data, price: new Money(5) }, { metadata: { tenant: 'acme' } })

  const message = await made('envelope', event, { codecs: [money] })

  expect(readEnvelope(as(message.body), { codecs: [money] })).toEqual({ ...event })
  expect(readEnvelope((await made('envelope', everything)).body)).toEqual({ ...everything })
})

test.each([['{'], ['[]'], ['{"id":"1"}'], [Buffer.from([0xff, 0xfe])]])('%j is refused as an envelope', (body) => {
  expect(() => readEnvelope(body)).toThrowError(
    expect.objectContaining({ code: 'POSTBUS_INVALID_EVENT', message: expect.stringContaining('readEnvelope()') }),
  )
})

test('with a function as the format, its message is sent unchanged', async () => {
  const message: RelayMessage = {
    id: 'x',
    type: 't',
    partitionKey: null,
    occurredAt: new Date(0),
    contentType: 'text/plain',
    attributes: {},
    body: 'hello',
  }

  expect(await made(() => message, everything)).toBe(message)
})

async function made(format: RelayFormat, event: Envelope, options: MessageOptions = {}): Promise<RelayMessage> {
  return messagesIn(format, options)(event)
}

function parsed(headers: Record<string, string>, { contentType, body }: RelayMessage): CloudEvent<unknown> {
  const read = HTTP.toEvent({ headers: { 'content-type': contentType, ...headers }, body })
  if (Array.isArray(read)) throw new Error('a batch')
  return read as CloudEvent<unknown>
}
