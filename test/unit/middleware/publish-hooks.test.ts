/** Hooks around `publish`: their order, the changes that they may make, and the rules that they cannot break. */
import { expect, test } from 'vitest'
import { createBus, defineHandler, type Envelope, type Middleware } from '../../../src/index.ts'
import { mailboxOf } from '../../../src/testing/index.ts'
import { NoteTaken } from '../../support/notes.ts'
import { rejectionOf } from '../refusal.ts'

const note = (n: number) => NoteTaken({ n })
const mailbox = (...middleware: Middleware[]) => createBus({ backend: 'mailbox', middleware })
const publishing = (publish: Middleware['publish'], name?: string): Middleware => ({ publish, ...(name && { name }) })

test('the first hook is the outermost', async () => {
  const order: string[] = []
  const around = (name: string) =>
    publishing(async (_, next) => {
      order.push(`${name} begins`)
      await next()
      order.push(`${name} ends`)
    })

  await mailbox(around('a'), { handle: (_, next) => next() }, around('b')).publish(note(1))

  expect(order).toEqual(['a begins', 'b begins', 'b ends', 'a ends'])
})

test('one publish calls a hook once, with the events as they will be stored, and an empty list calls no hook', async () => {
  const seen: Envelope[][] = []
  const bus = createBus({
    backend: 'mailbox',
    source: 'shop',
    ttlMs: 60_000,
    middleware: [publishing((given, next) => (seen.push([...given.events]), next()))],
  })

  await bus.withContext({ correlationId: 'request 7' }, () => bus.publish([note(1), note(2)]))
  await bus.publish([])

  expect(seen).toHaveLength(1)
  expect(seen[0]).toEqual(mailboxOf(bus))
  expect(seen[0]).toMatchObject([1, 2].map((n) => ({ data: { n }, source: 'shop', correlationId: 'request 7' })))
})

test('a hook can add or replace metadata, for all events or for each, and later hooks see the change', async () => {
  const seen: unknown[] = []
  const bus = mailbox(
    publishing((_, next) => next({ metadata: { tenant: 'acme' } })),
    publishing(({ events }, next) => {
      seen.push(...events.map(({ metadata }) => metadata))
      return next({ metadata: ({ data }) => ({ n: (data as { n: number }).n }) })
    }),
  )

  await bus.publish([NoteTaken({ n: 1 }, { metadata: { tenant: 'other', color: 'red' } }), note(2)])

  expect(seen).toEqual([{ tenant: 'acme', color: 'red' }, { tenant: 'acme' }])
  expect(mailboxOf(bus).map(({ metadata }) => metadata)).toEqual([
    { tenant: 'acme', color: 'red', n: 1 },
    { tenant: 'acme', n: 2 },
  ])
})

test('a filter is called inside the hooks, with their changes', async () => {
  const asked: unknown[] = []
  const handler = defineHandler('notes.take', {
    on: NoteTaken,
    interested: ({ metadata }) => asked.push(metadata) > 0,
    handle: () => undefined,
  })
  const bus = createBus({
    backend: 'mailbox',
    handlers: [handler],
    middleware: [publishing((_, next) => next({ metadata: { tenant: 'acme' } }))],
  })

  await bus.publish(note(1))

  expect(asked).toEqual([{ tenant: 'acme' }])
})

test.each<[string, unknown, string, string]>([
  ['another field', { type: 'x' }, 'POSTBUS_INVALID_OPTIONS', '"type" is none of metadata, tx'],
  ['no object', 7, 'POSTBUS_INVALID_OPTIONS', 'expected an object'],
  ['an undefined transaction', { tx: undefined }, 'POSTBUS_INVALID_OPTIONS', '`tx` is undefined'],
  ['what is no transaction', { tx: {} }, 'POSTBUS_NOT_A_TRANSACTION', 'tx'],
  ['metadata that are no object', { metadata: 7 }, 'POSTBUS_INVALID_EVENT', 'expected an object'],
  ['metadata that are no JSON', { metadata: { at: new Date() } }, 'POSTBUS_INVALID_EVENT', 'metadata.at'],
  ['too much', { metadata: { text: 'x'.repeat(16_384) } }, 'POSTBUS_INVALID_EVENT', 'bytes'],
])('a hook cannot change an event by %s', async (_, changes, code, message) => {
  const bus = mailbox(publishing((__, next) => next(changes as never)))

  const refused = await rejectionOf(bus.publish(note(1)))

  expect(refused).toMatchObject({ code, message: expect.stringContaining(message) })
  expect(mailboxOf(bus)).toEqual([])
})

test('publish resolves with the stored events, not with a hook’s return value, and waits for the store even if a hook does not', async () => {
  const event = note(1)
  const bus = mailbox(
    publishing(async (_, next) => (await next(), 'something else')),
    publishing((_, next) => void next()),
  )

  const published = await bus.publish(event)

  expect(published).toEqual({ events: [{ id: event.id, deliveries: 0, duplicate: false }] })
  expect(mailboxOf(bus)).toHaveLength(1)
})

test('a hook that throws rejects the publish, before or after next', async () => {
  const before = mailbox(publishing(() => Promise.reject(new Error('closed'))))
  const after = mailbox(
    publishing(async (_, next) => {
      await next()
      throw new Error('audit failed')
    }),
  )

  await expect(before.publish(note(1))).rejects.toThrow('closed')
  await expect(after.publish(note(1))).rejects.toThrow('audit failed')
  expect([before, after].map((bus) => mailboxOf(bus).length)).toEqual([0, 1])
})

test('a hook gets only valid events', async () => {
  let calls = 0
  const bus = mailbox(publishing((_, next) => ((calls += 1), next())))

  const refused = await rejectionOf(bus.publish({ ...note(1) }))

  expect({ code: refused.code, calls }).toEqual({ code: 'POSTBUS_INVALID_EVENT', calls: 0 })
})

test('hooks see the error of an event that cannot be stored, but cannot hide it', async () => {
  const seen: unknown[] = []
  const bus = mailbox(publishing((_, next) => next().catch((error: unknown) => void seen.push(error))))
  const large = NoteTaken({ n: 1, text: 'x'.repeat(2_000_000) })

  const refused = await rejectionOf(bus.publish(large))

  expect(refused.code).toBe('POSTBUS_TOO_LARGE')
  expect(seen).toEqual([refused])
})

test('a hook that does not call next publishes nothing, and the error names the hook', async () => {
  const bus = mailbox(publishing(() => undefined, 'quiet'))

  const refused = await rejectionOf(bus.publish(note(1)))

  expect(refused).toMatchObject({ code: 'POSTBUS_NEXT_NOT_CALLED', message: expect.stringContaining('quiet') })
})

test('next stores the events once: a second call is an error, even if the hook catches it', async () => {
  const bus = mailbox(
    publishing(async (_, next) => {
      await next()
      await next().catch(() => undefined)
    }),
  )

  const refused = await rejectionOf(bus.publish(note(1)))

  expect(refused).toMatchObject({ code: 'POSTBUS_NEXT_CALLED_AGAIN', message: expect.stringContaining('1 of 1') })
  expect(mailboxOf(bus)).toHaveLength(1)
})

test('next stores nothing after its hook has ended', async () => {
  const kept: (() => Promise<unknown>)[] = []
  const bus = mailbox(publishing((_, next) => void kept.push(next)))
  await rejectionOf(bus.publish(note(1)))

  const refused = await rejectionOf(kept[0]!())

  expect(refused.code).toBe('POSTBUS_NEXT_CALLED_AGAIN')
  expect(mailboxOf(bus)).toEqual([])
})

test('a middleware may be an instance of a class', async () => {
  class Counting implements Middleware {
    count = 0
    publish(...[{ events }, next]: Parameters<NonNullable<Middleware['publish']>>) {
      this.count += events.length
      return next()
    }
  }
  const counting = new Counting()

  await mailbox(counting).publish([note(1), note(2)])

  expect(counting.count).toBe(2)
})

test.each<[string, unknown, string]>([
  ['no array', {}, 'expected an array'],
  ['no object', [7], 'expected { publish, handle }, but got 7'],
  ['neither hook', [{ name: 'empty' }], 'expected `publish`, `handle`, `handleBatch`, or several'],
  ['no function', [{ publish: true }], 'expected `publish` to be a function'],
  ['an unknown field', [{ onPublish() {} }], '"onPublish" is none of name, publish, handle'],
  ['an empty name', [{ name: '', handle() {} }], 'expected `name` to be text'],
  ['two of one name', ['a', 'a'].map((name) => ({ name, handle() {} })), 'two are named "a"'],
])('createBus refuses %s', (_, middleware, message) => {
  const creating = () => createBus({ backend: 'mailbox', middleware: middleware as never })

  expect(creating).toThrow(expect.objectContaining({ code: 'POSTBUS_INVALID_OPTIONS' }))
  expect(creating).toThrow(message)
})
