/** Inline mode: the handlers run inside `publish`, and the publisher gets their errors. */
import '../../src/testing/vitest.ts'
import { beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createBus,
  defineEvent,
  defineHandler,
  discard,
  failed,
  snooze,
  type Envelope,
  type HandlerContext,
  type BusSignal,
} from '../../src/index.ts'
import { setEventBusMode } from '../../src/testing/index.ts'
import { rejectionOf } from './failure-of.ts'

const Ticked = defineEvent('clocks.ticked', { schema: z.object({ n: z.number(), at: z.date().optional() }) })
const Rang = defineEvent('clocks.rang', { schema: z.object({ n: z.number() }) })

type Handle = (event: Envelope<string, number, { n: number }>, context: HandlerContext) => unknown

const notes: string[] = []
const signals: BusSignal[] = []

beforeEach(() => {
  setEventBusMode('inline')
  notes.length = 0
  signals.length = 0
})

test('when publish returns, the interested handlers have run, in the order of the registry', async () => {
  const bus = busWith({ first: note('first'), second: note('second') })

  const { events } = await bus.publish(Ticked({ n: 1 }))

  expect(notes).toEqual(['first 1', 'second 1'])
  expect(events).toEqual([{ id: expect.any(String), deliveries: 2, duplicate: false }])
})

test('a handler that is not interested does not run', async () => {
  const shy = defineHandler('test.shy', { on: Ticked, interested: ({ data }) => data.n > 1, handle: note('shy') })
  const bus = createBus({ handlers: [shy] })

  const { events } = await bus.publish([Ticked({ n: 1 }), Ticked({ n: 2 })])

  expect(notes).toEqual(['shy 2'])
  expect(events.map(({ deliveries }) => deliveries)).toEqual([0, 1])
})

test('the handlers of an event that a handler publishes run before the publishing handler continues', async () => {
  const bus = busWith({
    async outer(event, context) {
      notes.push('outer begins')
      await context.publish(Rang({ n: event.data.n }))
      notes.push('outer ends')
    },
    after: note('after'),
  })

  await bus.publish([Ticked({ n: 1 }), Ticked({ n: 2 })])

  const round = (n: number) => ['outer begins', `rang ${n}`, 'outer ends', `after ${n}`]
  expect(notes).toEqual([...round(1), ...round(2)])
})

test('an event that a handler publishes keeps the correlation id, and names its cause', async () => {
  const seen: Envelope[] = []
  const ring = defineHandler('test.ring', { on: Ticked, handle: (_, { publish }) => publish(Rang({ n: 1 })) })
  const bus = createBus({
    handlers: [ring, defineHandler('test.see', { on: Rang, handle: (event) => seen.push(event) })],
  })
  const tick = Ticked({ n: 1 })

  await bus.publish(tick)

  expect(seen).toMatchObject([{ correlationId: tick.id, causationId: tick.id }])
})

test('each handler gets its own copy, which went through the codec', async () => {
  const copies: Envelope<string, number, { n: number }>[] = []
  const bus = busWith({ one: (event) => copies.push(event), two: (event) => copies.push(event) })
  const tick = Ticked({ n: 1, at: new Date(0) })

  await bus.publish(tick)

  expect(copies.map(({ data }) => data)).toEqual([tick.data, tick.data])
  expect(new Set([tick.data, ...copies.map(({ data }) => data)]).size).toBe(3)
  expect(copies.map(({ data }) => Object.isFrozen(data))).toEqual([true, true])
})

test('the handler gets the publisher’s transaction, and its own events belong to that transaction', async () => {
  const seen: unknown[] = []
  const tx = { executeSql: async () => ({ rows: [] }) }
  const ring = defineHandler('test.ring', {
    on: Ticked,
    async handle(_, context) {
      seen.push(context.tx)
      await context.publish(Rang({ n: 1 }))
      const another = { executeSql: tx.executeSql }
      await context.publish(Rang({ n: 2 }), { tx: another })
      seen.push(another)
    },
  })
  const rang = defineHandler('test.rang', { on: Rang, handle: (_, context) => void seen.push(context.tx) })

  await createBus({ handlers: [ring, rang] }).publish(Ticked({ n: 1 }), { tx })

  expect(seen[0]).toBe(tx)
  expect(seen[1]).toBe(tx)
  expect(seen[2]).toBe(seen[3])
})

test('without a transaction the context has no `tx`', async () => {
  let keys: readonly string[] = []
  const bus = busWith({ look: (_, context) => void (keys = Object.keys(context)) })

  await bus.publish(Ticked({ n: 1 }))

  expect(keys).toEqual([
    'attempt',
    'maxAttempts',
    'deliveryId',
    'isReplay',
    'replayId',
    'signal',
    'bus',
    'log',
    'publish',
  ])
})

test.each([
  ['throws', raise],
  ['answers failed(error)', (error: Error) => failed(error)],
])(
  'an error reaches the publisher unchanged when a handler %s, and the handlers after it do not run',
  async (_, fail) => {
    const error = new RangeError('out of stock')
    const bus = busWith({ fails: () => fail(error), after: note('after') })

    const rejection = await rejectionOf(bus.publish(Ticked({ n: 1 })))

    expect(rejection).toBe(error)
    expect(notes).toEqual([])
  },
)

test('failed with a text becomes an error that names the handler and keeps the cause', async () => {
  const bus = busWith({ fails: () => failed('card declined', { cause: 402 }) })

  const rejection = await rejectionOf(bus.publish(Ticked({ n: 1 })))

  expect(rejection).toMatchObject({ code: 'POSTBUS_ATTEMPT_FAILED', cause: 402 })
  expect(rejection.message).toMatch(/^Handler "test\.fails" for clocks\.ticked .* failed: card declined$/)
})

test('an event whose publish failed can be published again', async () => {
  let attempts = 0
  const bus = busWith({ fails: () => (attempts++ === 0 ? failed('not yet') : undefined) })
  const tick = Ticked({ n: 1 })
  await rejectionOf(bus.publish(tick))

  const { events } = await bus.publish(tick)

  expect([attempts, events[0]?.duplicate]).toEqual([2, false])
})

test('a handler that takes too long fails, as it would in a worker', async () => {
  const slow = defineHandler('test.slow', {
    on: Ticked,
    timeoutMs: 5,
    handle: (_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)),
  })

  const rejection = await rejectionOf(createBus({ handlers: [slow] }).publish(Ticked({ n: 1 })))

  expect(rejection.code).toBe('POSTBUS_HANDLER_TIMEOUT')
})

test('discarding is not an error: it is a signal, and the next handler runs', async () => {
  const bus = busWith({ picky: () => discard('not for me'), after: note('after') })

  await bus.publish(Ticked({ n: 1 }))

  expect(notes).toEqual(['after 1'])
  expect(signals).toMatchObject([{ name: 'delivery.dead', message: expect.stringContaining('not for me') }])
})

test('snoozing is an error, because inline mode has no later attempt', async () => {
  const bus = busWith({ sleepy: () => snooze({ minutes: 5 }) })

  const rejection = await rejectionOf(bus.publish(Ticked({ n: 1 })))

  expect(rejection.code).toBe('POSTBUS_INLINE_SNOOZED')
  expect(rejection.message).toMatch(/"test\.sleepy".*runEvent\(\).*drainEvents\(\)/)
})

test('an endless chain of handlers that publish to each other ends with an error that shows the chain', async () => {
  const ping = defineHandler('test.ping', { on: Ticked, handle: ({ data }) => bus.publish(Rang(data)) })
  const pong = defineHandler('test.pong', { on: Rang, handle: ({ data }) => bus.publish(Ticked(data)) })
  const bus = createBus({ handlers: [ping, pong] })

  const rejection = await rejectionOf(bus.publish(Ticked({ n: 1 })))

  expect(rejection.code).toBe('POSTBUS_ENDLESS_CHAIN')
  expect(rejection.message).toContain('clocks.ticked → test.ping, clocks.rang → test.pong')
})

function raise(error: Error): never {
  throw error
}

function note(name: string): Handle {
  return (event) => void notes.push(`${name} ${event.data.n}`)
}

/** A bus with these handlers of `Ticked`, and a handler that notes each `Rang`. */
function busWith(handles: Readonly<Record<string, Handle>>) {
  const handlers = Object.entries(handles).map(([name, handle]) =>
    defineHandler(`test.${name}`, { on: Ticked, handle }),
  )
  const rang = defineHandler('test.rang', { on: Rang, handle: note('rang') })
  return createBus({ handlers: [...handlers, rang], onSignal: (signal) => signals.push(signal) })
}
