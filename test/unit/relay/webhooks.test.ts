/** Webhooks on the wire: a real server, signatures that an independent implementation checks, and the outcome of each response. */
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { defineRelay, webhookTarget, WebhookError } from '../../../src/relay/index.ts'
import { runEvent } from '../../../src/testing/index.ts'
import { NoteTaken } from '../../support/notes.ts'
import { aRelay, relayed } from '../../support/relayed.ts'
import { aWebhookServer, LOCAL, OLD_SECRET, SECRET, status } from '../../support/webhook-server.ts'
import { until } from '../../support/until.ts'

const A_DAY = 86_400_000

test('an independent implementation verifies the signature with the new and with the old secret', async () => {
  const { sent, event, server } = await relayed(status(204), { secret: [SECRET, OLD_SECRET] })

  const [request] = server.received
  expect(sent).toMatchObject({ state: 'processed' })
  expect(request).toMatchObject({
    method: 'POST',
    path: '/hook?a=1',
    headers: {
      'webhook-id': event.id,
      'content-type': 'application/cloudevents+json; charset=utf-8',
      'user-agent': 'postbus',
      'x-tenant': 'acme',
    },
  })
  for (const secret of [SECRET, OLD_SECRET])
    expect(new Webhook(secret).verify(request!.body, request!.headers)).toMatchObject({ id: event.id, data: { n: 1 } })
  const other = new Webhook(`whsec_${Buffer.alloc(32, 'c').toString('base64')}`)
  expect(() => other.verify(request!.body, request!.headers)).toThrow('No matching signature found')
  expect(() => new Webhook(SECRET).verify(`${request!.body} `, request!.headers)).toThrow('No matching signature found')
  const later = { ...request!.headers, 'webhook-timestamp': String(Number(request!.headers['webhook-timestamp']) + 1) }
  expect(() => new Webhook(SECRET).verify(request!.body, later)).toThrow('No matching signature found')
})

test('in binary mode the attributes are headers beside the headers of the signature', async () => {
  const { server } = await relayed(status(200), {}, { format: 'cloudevents-binary' })

  const [{ headers, body } = { headers: {}, body: '' }] = server.received
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'ce-specversion': '1.0',
    'ce-type': 'notes.note-taken',
    'ce-subject': 'key%20%C3%A4',
  })
  expect(new Webhook(SECRET).verify(body, headers)).toMatchObject({ n: 1, key: 'key ä' })
})

test.each([[200], [201], [204], [299]])('%d: the webhook is done', async (code) => {
  const { sent, server } = await relayed(status(code))

  expect(sent).toMatchObject({ state: 'processed' })
  expect(server.received).toHaveLength(1)
})

test.each([
  [301, { location: '/elsewhere' }, /returned 301, and redirects are not followed/],
  [400, {}, /returned 400: no good$/],
  [404, {}, /returned 404/],
  [408, {}, /returned 408/],
  [429, {}, /returned 429/],
  [500, {}, /returned 500: no good$/],
  [503, { 'retry-after': 'soon' }, /returned 503/],
] as const)(
  '%d %j: the attempt fails, with the status and the beginning of the body',
  async (code, headers, reason) => {
    const { sent, server } = await relayed(status(code, headers, 'no\r\n\tgood'))

    expect(sent).toMatchObject({ state: 'failed', reason: expect.stringMatching(reason) })
    expect(sent).toMatchObject({ cause: expect.any(WebhookError) })
    expect(sent).toMatchObject({ cause: { status: code, code: 'POSTBUS_WEBHOOK_FAILED' } })
    expect(server.received).toHaveLength(1)
  },
)

test.each([
  [429, '30', 30_000],
  [503, '30', 30_000],
  [503, '0', 1_000],
  [503, '999999', 3_600_000],
] as const)('%d with Retry-After: %s comes again after %d ms, and uses no attempt', async (code, after, delayMs) => {
  const { sent } = await relayed(status(code, { 'retry-after': after }))

  expect(sent).toEqual({ state: 'snoozed', delayMs })
})

test('Retry-After may be a date', async () => {
  const { sent } = await relayed(status(503, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }))

  expect(sent).toEqual({ state: 'snoozed', delayMs: expect.closeTo(60_000, -4) })
})

test('Retry-After cannot put off an event that is a day old: the attempt fails', async () => {
  const occurredAt = new Date(Date.now() - A_DAY - 1_000)
  const { sent } = await relayed(status(429, { 'retry-after': '30' }), {}, {}, NoteTaken({ n: 1 }, { occurredAt }))

  expect(sent).toMatchObject({ state: 'failed', reason: expect.stringContaining('returned 429') })
})

test('410: a dead letter, or the outcome of `onGone`', async () => {
  const gone: unknown[] = []

  const without = await relayed(status(410))
  const withHook = await relayed(status(410), {}, { onGone: ({ url }, { id }) => gone.push([url, id]) })

  expect(without.sent).toMatchObject({ state: 'discarded', reason: expect.stringContaining('returned 410') })
  expect(withHook.sent).toMatchObject({ state: 'skipped', reason: expect.stringContaining('returned 410') })
  expect(gone).toEqual([[`${withHook.server.url}?a=1`, withHook.event.id]])
})

test('an error of `onGone` fails the attempt, and the next attempt sends again', async () => {
  const { sent } = await relayed(status(410), {}, { onGone: () => Promise.reject(new Error('the database is away')) })

  expect(sent).toEqual({ state: 'failed', reason: 'the database is away' })
})

test('an endpoint that does not respond in time fails the attempt, and its connection is closed', async () => {
  let closed = false
  const { sent } = await relayed(
    (_, response) => void response.on('close', () => (closed = true)),
    {},
    { timeoutMs: 100 },
  )

  expect(sent).toMatchObject({
    state: 'failed',
    reason: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+ returned nothing$/),
  })
  expect(sent).toMatchObject({ cause: { status: null, cause: { message: 'no answer within 100 ms' } } })
  await until('the connection is closed', () => closed)
})

test('an endpoint that closes the connection fails the attempt', async () => {
  const { sent, server } = await relayed((_, response) => response.destroy())

  expect(server.received).toHaveLength(1)
  expect(sent).toMatchObject({ state: 'failed', cause: { status: null, cause: { code: 'ECONNRESET' } } })
})

test('an address without a server fails the attempt', async () => {
  const server = await aWebhookServer()
  await server.close()

  const relay = aRelay({ endpoint: { url: server.url, secret: SECRET } })

  expect(await runEvent(relay, NoteTaken({ n: 1 }))).toMatchObject({
    state: 'failed',
    cause: { cause: { code: 'ECONNREFUSED' } },
  })
})

test.each([
  ['taken', 200, 'processed'],
  ['refused', 500, 'failed'],
] as const)('only the beginning of an endless body is read, when the message is %s', async (_, code, state) => {
  let written = 0
  let closed = false
  const { sent } = await relayed((__, response) => {
    response.on('close', () => (closed = true)).writeHead(code)
    const chunk = 'x'.repeat(65_536)
    const write = () => {
      while (!response.destroyed && response.write(chunk)) written += chunk.length
    }
    response.on('drain', write)
    write()
  })

  await until('the connection is closed', () => closed)
  expect(sent).toMatchObject({ state })
  expect(sent.state === 'failed' ? sent.reason.length : 0).toBeLessThan(300)
  expect(written).toBeLessThan(20_000_000) // the size of the buffers of two sockets
})

test('the connection is kept for the next message', async () => {
  const server = await aWebhookServer()
  const relay = aRelay({ endpoint: { url: server.url, secret: SECRET } })

  for (const n of [1, 2]) expect(await runEvent(relay, NoteTaken({ n }))).toMatchObject({ state: 'processed' })

  expect(new Set(server.received.map(({ connection }) => connection)).size).toBe(1)
})

test('a kept connection that the server closes costs no attempt: the message is sent over a new one', async () => {
  const seen = new Set<number>()
  const server = await aWebhookServer(({ connection }, response, { socket }) => {
    if (seen.has(connection)) return void socket.destroy()
    seen.add(connection)
    response.end()
  })
  const relay = aRelay({ endpoint: { url: server.url, secret: SECRET } })

  for (const n of [1, 2]) expect(await runEvent(relay, NoteTaken({ n }))).toMatchObject({ state: 'processed' })

  const [first, second, again] = server.received
  expect(server.received).toHaveLength(3)
  expect([second!.connection === first!.connection, again!.connection === first!.connection]).toEqual([true, false])
  expect(again!.headers['webhook-id']).toBe(second!.headers['webhook-id'])
})

test('a request ends with its attempt', async () => {
  let closed = false
  const server = await aWebhookServer((_, response) => void response.on('close', () => (closed = true)))
  const to = webhookTarget({ ...LOCAL, endpoint: { url: server.url, secret: SECRET } })
  const relay = defineRelay('notes.slow', { on: NoteTaken, to, timeoutMs: 200 })

  const sent = await runEvent(relay, NoteTaken({ n: 1 }))

  expect(sent).toMatchObject({ state: 'failed', reason: expect.stringContaining('200 ms') })
  await until('the connection is closed', () => closed)
})

test('`endpoint` is called for each event: `null` skips the event, and an error fails the attempt', async () => {
  const server = await aWebhookServer()
  const relay = aRelay({
    endpoint: async ({ data }) => {
      const { n } = data as { n: number }
      if (n === 0) throw new Error('the database is away')
      return n === 1 ? null : { url: `${server.url}/${n}`, secret: SECRET }
    },
  })

  const sent = await Promise.all([0, 1, 2].map((n) => runEvent(relay, NoteTaken({ n }))))

  expect(sent).toEqual([
    { state: 'failed', reason: 'the database is away' },
    { state: 'skipped', reason: 'there is no endpoint for it' },
    { state: 'processed', result: undefined },
  ])
  expect(server.received.map(({ path }) => path)).toEqual(['/hook/2'])
})
