/** Webhooks of many endpoints, in a real database and to a real server: each endpoint has its own attempts, order and circuit. */
import { randomUUID } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { createBus } from '../../src/index.ts'
import { defineWebhooks } from '../../src/relay/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'
import { customers, errorsOf, keyIn, numberIn, of, requestFor } from '../support/webhook-customers.ts'
import { LOCAL, SECRET } from '../support/webhook-server.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus()
  return () => opened.close()
})

test('if one of three endpoints fails, the others get the event once, and its errors are visible', async () => {
  let isDown = true
  const { bus, server, name } = await customers(opened, ['a', 'b', 'c'], ({ path }) =>
    path === '/b' && isDown ? 500 : 200,
  )

  const { events } = await bus.publish(NoteTaken({ n: 1, key: 'k' }))
  await until('b has failed twice', () => of(server, '/b').length >= 2)
  const request = await requestFor(bus, events[0]!.id, 'b')
  await until('the errors are stored', async () => errorsOf(await bus.events.status(request)).length >= 2)
  const failing = await bus.events.status(request)
  isDown = false
  const { isFinished } = await bus.events.whenFinished(events[0]!.id, { timeoutMs: 20_000, includeCaused: true })

  expect(errorsOf(failing)[0]).toMatchObject({
    attempt: 1,
    code: 'POSTBUS_WEBHOOK_FAILED',
    message: expect.stringMatching(/^WebhookError: http:\/\/127\.0\.0\.1:\d+ returned 500$/),
  })
  expect(isFinished).toBe(true)
  expect([of(server, '/a').length, of(server, '/c').length]).toEqual([1, 1])
  const after = await bus.events.status(request)
  expect(after?.deliveries).toMatchObject([
    { handler: `${name}.send`, state: 'done', attempts: of(server, '/b').length },
  ])
  for (const { body, headers } of server.received)
    expect(new Webhook(SECRET).verify(body, headers)).toMatchObject({ id: events[0]!.id })
  expect(new Set(server.received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([events[0]!.id]))
})

test('redacting by correlation id erases the webhooks of an event, and waiting ones are not sent', async () => {
  const { bus, server, name, taken } = await customers(opened, ['a', 'b'], ({ path }) => (path === '/b' ? 500 : 200))
  const correlationId = randomUUID()
  await bus.withContext({ correlationId }, () => bus.publish(NoteTaken({ n: 4711, key: 'k' })))
  await until('a has it, and b has failed', () => taken.length === 1 && of(server, '/b').length > 0)

  const own = await bus.events.redact({ type: NoteTaken.type, correlationId })
  const requests = await bus.events.redact({ type: `${name}.send-requested`, correlationId })

  expect([own.count, requests.count]).toEqual([1, 2])
  const letters = async () => (await bus.deadLetters.list({ handler: `${name}.send` })).deadLetters
  await until('b’s request is a dead letter', async () => (await letters()).length === 1)
  expect((await letters())[0]?.reason).toContain('was erased before this handler had it')
  const { rows } = await opened.database.query<{ payload: string }>(
    'select payload::text from postbus.event where correlation_id = $1',
    [correlationId],
  )
  expect(rows).toHaveLength(3)
  for (const { payload } of rows) expect(payload).not.toContain('4711')
})

test('while an endpoint fails, its events of a key wait in order, and other keys and endpoints go on', async () => {
  let isDown = true
  const { bus, server, taken } = await customers(opened, ['a', 'b'], ({ path, body }) =>
    path === '/b' && isDown && keyIn(body) === 'held' ? 500 : 200,
  )
  const notes = Array.from({ length: 12 }, (_, n) => NoteTaken({ n, key: n % 2 === 0 ? 'held' : 'free' }))

  await bus.publish(notes)
  await until('all but the held ones are there', () => taken.length === 18)
  await until('the first of the held ones has failed', () =>
    of(server, '/b').some(({ body }) => keyIn(body) === 'held'),
  )
  const tried = new Set(of(server, '/b').flatMap(({ body }) => (keyIn(body) === 'held' ? [numberIn(body)] : [])))
  isDown = false
  await until('all are there', () => taken.length === 24)

  expect(tried).toEqual(new Set([0]))
  const inOrder = (path: string, key: string) =>
    taken.flatMap((one) => (one.path === path && keyIn(one.body) === key ? [numberIn(one.body)] : []))
  for (const path of ['/a', '/b']) {
    expect(inOrder(path, 'free')).toEqual([1, 3, 5, 7, 9, 11])
    expect(inOrder(path, 'held')).toEqual([0, 2, 4, 6, 8, 10])
  }
})

test('a circuit stops calls to a failing endpoint, uses up no attempts, reports once, and resumes', async () => {
  let isDown = true
  const failing: string[] = []
  const { bus, server, name } = await customers(
    opened,
    ['a', 'b'],
    ({ path }) => (path === '/b' && isDown ? 503 : 200),
    {
      circuit: { failures: 3, pauseMs: 300, maxPauseMs: 300 },
      order: 'none',
      onFailing: (id, { status }) => void failing.push(`${id}: ${status}`),
    },
  )

  const { events } = await bus.publish(Array.from({ length: 20 }, (_, n) => NoteTaken({ n })))
  await until('it was told', () => failing.length > 0)
  await until('a has all', () => of(server, '/a').length === 20)
  const before = of(server, '/b').length
  await until('it was probed', () => of(server, '/b').length > before)
  isDown = false
  await until('b has all', () => new Set(of(server, '/b').map(({ headers }) => headers['webhook-id'])).size === 20)
  await Promise.all(events.map(({ id }) => bus.events.whenFinished(id, { timeoutMs: 30_000, includeCaused: true })))

  expect(failing).toEqual(['b: 503'])
  expect(await bus.deadLetters.count({ handler: `${name}.send` })).toBe(0)
  const requests = await Promise.all(events.map(({ id }) => requestFor(bus, id, 'b')))
  const statuses = await Promise.all(requests.map((id) => bus.events.status(id)))
  const attempts = statuses.flatMap((status) => status!.deliveries.map((delivery) => delivery.attempts))
  const spent = attempts.reduce((sum, used) => sum + used - 1, 0)
  expect(spent).toBeGreaterThanOrEqual(3)
  expect(spent).toBeLessThanOrEqual(of(server, '/b').length - 20)
})

test('410 disables an endpoint, and its waiting deliveries are skipped with that reason', async () => {
  const gone = new Set<string>()
  const { bus, server } = await customers(opened, ['a', 'b'], ({ path }) => (path === '/b' ? 410 : 200), {
    endpoint: (id) => (gone.has(id) ? null : { url: server.url.replace('/hook', `/${id}`), secret: SECRET }),
    onGone: (id) => void gone.add(id),
  })

  const first = await bus.publish(NoteTaken({ n: 1, key: 'k' }))
  await bus.events.whenFinished(first.events[0]!.id, { timeoutMs: 20_000, includeCaused: true })
  const second = await bus.publish(NoteTaken({ n: 2, key: 'k' }))
  await bus.events.whenFinished(second.events[0]!.id, { timeoutMs: 20_000, includeCaused: true })

  const reasons = await Promise.all(
    [first, second].map(async ({ events }) => {
      const status = await bus.events.status(await requestFor(bus, events[0]!.id, 'b'))
      return status!.deliveries.map(({ state, reason }) => [state, reason])
    }),
  )
  expect(reasons).toEqual([
    [['skipped', expect.stringMatching(/returned 410$/)]],
    [['skipped', 'there is no endpoint for it']],
  ])
  expect([of(server, '/a').length, of(server, '/b').length]).toEqual([2, 1])
})

test('a replay of either handler sends again, with the same webhook-id', async () => {
  const { bus, server, name } = await customers(opened, ['a', 'b', 'a'], () => 200)
  const { events } = await bus.publish(NoteTaken({ n: 1, key: 'again' }))
  await bus.events.whenFinished(events[0]!.id, { timeoutMs: 20_000, includeCaused: true })
  expect(server.received.map(({ path }) => path).toSorted()).toEqual(['/a', '/b'])

  await bus.replay({ handler: name, partitionKeys: ['again'] })
  await until('both endpoints have it again', () => server.received.length === 4)
  await bus.replay({ handler: `${name}.send`, partitionKeys: ['b again'] })
  await until('b has both of its messages again', () => server.received.length === 6)

  expect([of(server, '/a').length, of(server, '/b').length]).toEqual([2, 4])
  expect(new Set(server.received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([events[0]!.id]))
})

test('a crash after the requests were published publishes none of them twice', async () => {
  let attempts = 0
  const { bus, server, name } = await customers(
    opened,
    ['a', 'b'],
    () => 200,
    {},
    {
      middleware: [
        {
          name: 'crashing',
          async handle({ handler }, next) {
            const result = await next()
            if (handler === name && (attempts += 1) === 1) throw new Error('the process died here')
            return result
          },
        },
      ],
    },
  )

  const { events } = await bus.publish(NoteTaken({ n: 1 }))
  await bus.events.whenFinished(events[0]!.id, { timeoutMs: 20_000, includeCaused: true })

  expect(attempts).toBe(2)
  expect(server.received.map(({ path }) => path).toSorted()).toEqual(['/a', '/b'])
})

test('a pattern that matches everything makes no webhook of a webhook', async () => {
  const { bus, server, name } = await customers(opened, ['a'], () => 200, { on: '*' })
  const others = defineWebhooks(`${name}-too`, {
    on: '*',
    ...LOCAL,
    endpoints: () => ['b'],
    endpoint: (id) => ({ url: server.url.replace('/hook', `/${id}`), secret: SECRET }),
  })
  const both = createBus({
    connectionString: opened.connectionString,
    handlers: [...others],
    onSignal: () => undefined,
  })
  onTestFinished(() => both.close())

  const { events } = await bus.publish(NoteTaken({ n: 1 }))
  await bus.events.whenFinished(events[0]!.id, { timeoutMs: 20_000, includeCaused: true })

  const tree = await bus.events.tree(events[0]!.id)
  expect(JSON.stringify(tree).match(/send-requested/g)?.length).toBe(1)
  expect(others[0].interested?.((await bus.events.get(await requestFor(bus, events[0]!.id, 'a'))) as never)).toBe(false)
})

test('a webhook that was not accepted in time expires', async () => {
  const { bus } = await customers(opened, ['a'], () => 500, {
    expiresAfterMs: 1_000,
    circuit: { pauseMs: 100, maxPauseMs: 100 },
  })

  const { events } = await bus.publish(NoteTaken({ n: 1 }))
  await bus.events.whenFinished(events[0]!.id, { timeoutMs: 20_000, includeCaused: true })

  const status = await bus.events.status(await requestFor(bus, events[0]!.id, 'a'))
  expect(status!.deliveries).toMatchObject([{ state: 'expired' }])
})
