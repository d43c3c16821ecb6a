/** The bus reports about its handlers: who would receive an event and why not, who listens, and how often filters refused. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, PostbusError, shadow, type BusOptions } from '../../../src/index.ts'

const Sold = defineEvent('shop.sold', {
  schema: z.object({ order: z.string(), total: z.number() }),
  partitionKey: (data) => data.order || null,
})
const Sold2 = defineEvent('shop.sold', { schema: z.object({}), version: 2 })
const Moved = defineEvent('stock.moved', { schema: z.object({}) })

const handled: string[] = []
const handle = (event: { type: string }) => void handled.push(event.type)
const broken = new Error('no price list')
const seen: unknown[] = []

const mail = defineHandler('mail.receipt', { on: Sold, handle, queue: 'mails', maxAttempts: 3 })
const large = defineHandler('finances.large', {
  on: [Sold, 'stock.*'],
  interested: (event) => !Sold.is(event) || event.data.total > 100,
  handle,
})
const picky = defineHandler('finances.picky', {
  on: shadow(Sold),
  interested(event) {
    seen.push(event)
    throw broken
  },
  handle,
})
const later = defineHandler('finances.later', { on: Sold2, handle })
const stock = defineHandler('stock.count', { on: /^stock\./, handle })

const handlers = [mail, large, picky, later, stock]

describe('explain', () => {
  test('names each handler that listens to the type: interested or not, where its delivery would wait, its options', async () => {
    const bus = busWith({ handlers })

    const explained = await bus.explain(Sold({ order: 'o1', total: 1 }))

    const lane = (handler: string) => ({ handler, partitionKey: 'o1' })
    expect(explained).toEqual([
      {
        handler: 'mail.receipt',
        listensTo: ['shop.sold v1'],
        isShadow: false,
        interested: true,
        reason: null,
        error: null,
        queue: 'mails_partitioned',
        lane: lane('mail.receipt'),
        options: mail.options,
      },
      expect.objectContaining({
        handler: 'finances.large',
        listensTo: ['shop.sold v1', 'stock.*'],
        interested: false,
        reason: 'filtered',
        queue: 'events_partitioned',
      }),
      expect.objectContaining({ handler: 'finances.picky', isShadow: true, interested: false, reason: 'failed' }),
      expect.objectContaining({ handler: 'finances.later', listensTo: ['shop.sold v2'], reason: 'other-version' }),
    ])
    expect(explained[0]?.options).toMatchObject({ maxAttempts: 3, onDead: 'continue' })
  })

  test('reports the error that a filter threw, and does not throw', async () => {
    const [, , failed] = await busWith({ handlers }).explain(Sold({ order: 'o1', total: 1 }))

    expect(failed?.error).toBeInstanceOf(PostbusError)
    expect(failed?.error).toMatchObject({ code: 'POSTBUS_INTERESTED_FAILED', cause: broken })
  })

  test.each([
    ['returns no answer', () => undefined],
    ['returns a promise', async () => true],
  ])('reports a filter that %s', async (_, interested) => {
    const odd = defineHandler('finances.odd', { on: Sold, interested: interested as never, handle })

    const [explained] = await busWith({ handlers: [odd] }).explain(Sold({ order: 'o1', total: 1 }))

    expect(explained).toMatchObject({
      interested: false,
      reason: 'failed',
      error: { code: 'POSTBUS_INTERESTED_FAILED' },
    })
  })

  test('shows no lane and the plain queue for an event without a key', async () => {
    const [explained] = await busWith({ handlers }).explain(Sold({ order: '', total: 1 }))

    expect(explained).toMatchObject({ queue: 'mails', lane: null })
  })

  test('calls filters with the event as it would be published', async () => {
    seen.length = 0
    const bus = busWith({ handlers, source: 'shop', ttlMs: 1_000 })
    const event = Sold({ order: 'o1', total: 1 }, { occurredAt: new Date(0) })

    await bus.withContext({ correlationId: 'c1' }, () => bus.explain(event))

    expect(seen).toEqual([{ ...event, source: 'shop', correlationId: 'c1', expiresAt: new Date(1_000) }])
  })

  test.each(['postgres', 'inline', 'mailbox', 'strict'] as const)(
    'publishes nothing, counts nothing and needs no database: %s',
    async (backend) => {
      handled.length = 0
      const nowhere = 'postgres://nobody@127.0.0.1:1/nowhere'
      const bus = createBus({
        backend,
        connectionString: nowhere,
        handlers: async () => ({ handlers }),
        onSignal: () => undefined,
      })

      const explained = await bus.explain(Sold({ order: 'o1', total: 1 }))

      expect(explained.map(({ interested }) => interested)).toEqual([true, false, false, false])
      expect(handled).toEqual([])
      expect(bus.filtered()).toEqual({})
    },
  )

  test.each([Sold, {}, null, 'shop.sold'])('refuses a value that is not an event: %s', async (given) => {
    await expect(busWith({ handlers }).explain(given as never)).rejects.toMatchObject({ code: 'POSTBUS_INVALID_EVENT' })
  })
})

describe('an event type that has changed', () => {
  const First = defineEvent('docs.made', { schema: z.object({ text: z.string() }) })
  const Second = defineEvent('docs.written', {
    version: 2,
    schema: z.object({ words: z.number() }),
    previousNames: ['docs.made'],
    upcasts: { 1: (old) => ({ words: (old as { text: string }).text.split(' ').length }) },
  })
  const count = defineHandler('docs.count', { on: Second, interested: ({ data }) => data.words > 1, handle })

  test('is explained in the version that its handlers list', async () => {
    const bus = busWith({ handlers: [count] })

    const [one, two] = await Promise.all([bus.explain(First({ text: 'one' })), bus.explain(First({ text: 'one two' }))])

    expect([one[0]?.reason, two[0]?.reason]).toEqual(['filtered', null])
  })

  test('has the same handlers under each of its names', async () => {
    const bus = busWith({ handlers: [count] })

    const found = await Promise.all(['docs.made', 'docs.written'].map((name) => bus.handlersOf(name)))

    expect(found.map((listening) => listening.map(({ handler }) => handler))).toEqual([['docs.count'], ['docs.count']])
  })
})

describe('handlersOf', () => {
  test('lists the handlers of an event type, or of every version of a name, in the order of registration', async () => {
    const bus = busWith({ handlers: async () => handlers })
    const namesOf = async (type: string | typeof Sold | typeof Sold2) =>
      (await bus.handlersOf(type)).map(({ handler }) => handler)

    expect(await namesOf(Sold)).toEqual(['mail.receipt', 'finances.large', 'finances.picky'])
    expect(await namesOf(Sold2)).toEqual(['finances.later'])
    expect(await namesOf('shop.sold')).toEqual(['mail.receipt', 'finances.large', 'finances.picky', 'finances.later'])
    expect(await namesOf('stock.never-defined')).toEqual(['finances.large', 'stock.count'])
    expect(await namesOf('unheard.of')).toEqual([])
  })

  test('shows the event types, the queue and the options of each handler', async () => {
    const [first] = await busWith({ handlers }).handlersOf('shop.sold')

    expect(first).toEqual({
      handler: 'mail.receipt',
      listensTo: ['shop.sold v1'],
      isShadow: false,
      queue: 'mails',
      options: mail.options,
    })
  })

  test.each(['', 'Shop.Sold', 'shop.*', 7])('refuses a name that no event type can have: %j', async (name) => {
    await expect(busWith({ handlers }).handlersOf(name as never)).rejects.toMatchObject({
      code: 'POSTBUS_INVALID_EVENT',
    })
  })
})

test('handlers() lists all handlers of the bus, in the order of registration, with every kind of subscription', async () => {
  const all = await busWith({ handlers: async () => handlers }).handlers()

  expect(all.map(({ handler }) => handler)).toEqual(handlers.map(({ name }) => name))
  expect(all[0]).toMatchObject({ listensTo: ['shop.sold v1'], queue: 'mails', options: mail.options })
})

test('eventTypes() lists the types that the bus was given and the types that handlers list', async () => {
  const bus = busWith({ handlers, events: async () => [Moved] })

  expect(await bus.eventTypes()).toEqual([Moved, Sold, Sold2])
})

test('filtered() counts the deliveries that filters prevented, by handler, in this process', async () => {
  const bus = busWith({ handlers: [mail, large] })
  const other = busWith({ handlers: [mail, large] })
  const before = bus.filtered()

  await bus.publish([1, 101, 2].map((total) => Sold({ order: 'o1', total })))
  await bus.publish(Moved({}))

  expect([before, bus.filtered(), other.filtered()]).toEqual([{}, { 'finances.large': 2 }, {}])
})

function busWith(options: BusOptions) {
  return createBus({ backend: 'mailbox', onSignal: () => undefined, ...options })
}
