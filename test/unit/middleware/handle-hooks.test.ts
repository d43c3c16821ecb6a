/** Hooks around handlers: their order, the outcome that applies, and that a handler runs at most once, within its attempt. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { expect, test } from 'vitest'
import {
  createBus,
  defineHandler,
  discard,
  failed,
  shadow,
  skip,
  snooze,
  type HandlerContext,
  type HandlerOptions,
  type Middleware,
} from '../../../src/index.ts'
import type { Outcome } from '../../../src/handlers/outcome.ts'
import { hooksOf } from '../../../src/middleware/hooks.ts'
import type { Handling } from '../../../src/middleware/middleware.ts'
import { runEvent } from '../../../src/testing/index.ts'
import { attemptBy, delivery, errorIn, event, OrderCreated } from '../attempt/an-attempt.ts'

type Hook = NonNullable<Middleware['handle']>
type Handle = (event: unknown, context: HandlerContext) => unknown

test('the first hook is the outermost, and all hooks get the event, the handler’s name and its context', async () => {
  const order: unknown[] = []
  const around =
    (name: string): Hook =>
    async (handling, next) => {
      order.push(`${name} begins`)
      const value = await next()
      order.push(`${name} ends with ${String(value)}`, handling)
    }
  const given: unknown[] = []

  await outcomeOf([around('a'), around('b')], (...all) => (given.push(...all), 42))

  const handling = { event, handler: 'mail.receipt', context: given[1] }
  expect(order).toEqual(['a begins', 'b begins', 'b ends with 42', handling, 'a ends with 42', handling])
  expect(given[0]).toEqual(event)
})

test.each<[string, Hook, unknown, Partial<Outcome>]>([
  ['done', (_, next) => next(), 7, { is: 'done', result: 7 }],
  ['failed, though the hook returns nothing', async (_, next) => void (await next()), failed('no'), { is: 'retry' }],
  [
    'failed, though the hook has caught it',
    (_, next) => next().catch(() => undefined),
    new Error('no'),
    { is: 'retry' },
  ],
  ['skipped, though the hook does not wait', (_, next) => void next(), skip('paid'), { is: 'skipped', reason: 'paid' }],
])('the handler’s outcome applies when the hook returns nothing: %s', async (_, hook, does, outcome) => {
  expect(await outcomeOf([hook], () => doing(does))).toMatchObject(outcome)
})

test.each<[string, Hook, Partial<Outcome>]>([
  ['skip', (_, next) => next().catch(() => skip('closed')), { is: 'skipped', reason: 'closed' }],
  ['snooze', (_, next) => next().catch(() => snooze({ seconds: 1 })), { is: 'snoozed', delayMs: 1_000 }],
  ['a discard for an error', (_, next) => next().catch(() => discard('never')), { is: 'dead', reason: 'never' }],
  ['a value for an error', (_, next) => next().catch(() => null), { is: 'done', result: null }],
  ['an error', async (_, next) => (await next().catch(() => 0), Promise.reject(new Error('x'))), { is: 'retry' }],
  ['a throw', () => doing(new Error('x')), { is: 'retry' }],
])('a hook’s own outcome becomes the outcome of the attempt: %s', async (_, hook, outcome) => {
  expect(await outcomeOf([hook], () => doing(new Error('of the handler')))).toMatchObject(outcome)
})

test('a hook that returns an outcome without calling next prevents the handler from running', async () => {
  const ran: unknown[] = []

  const outcome = await outcomeOf([() => skip('the tenant is closed')], () => ran.push(1))

  expect({ outcome, ran }).toEqual({ outcome: { is: 'skipped', reason: 'the tenant is closed' }, ran: [] })
})

test('a hook that neither calls next nor returns an outcome fails the attempt, with an error that names it', async () => {
  const outcome = await outcomeOf([() => undefined], () => undefined)

  expect(errorIn(outcome)).toMatchObject({
    code: 'POSTBUS_NEXT_NOT_CALLED',
    message: expect.stringContaining('Middleware 1 of 1'),
  })
})

test('a handler runs once in an attempt: a second next is an error, even if the hook catches it', async () => {
  let runs = 0
  const twice: Hook = async (_, next) => {
    void next()
    await next().catch(() => undefined)
    return 'fine'
  }

  const outcome = await outcomeOf([twice], () => (runs += 1))

  expect(runs).toBe(1)
  expect(errorIn(outcome)).toMatchObject({ code: 'POSTBUS_NEXT_CALLED_AGAIN' })
})

test('an attempt ends when its handler has ended, even if a hook ended before', async () => {
  const handler = Promise.withResolvers<string>()
  const order: string[] = []
  const impatient: Hook = (_, next) => {
    void next()
    throw new Error('impatient')
  }

  const attempt = outcomeOf([impatient], () => handler.promise.then(() => order.push('handler')))
  const ended = attempt.then((outcome) => order.push(outcome.is))
  await new Promise(setImmediate)
  order.push('a turn later')
  handler.resolve('')
  await ended

  expect(order).toEqual(['a turn later', 'handler', 'retry'])
})

test('the handler’s time limit includes the hooks, and a handler does not begin after its time limit', async () => {
  const ran: unknown[] = []
  const slow: Hook = async ({ context }, next) => {
    await new Promise((resolve) => context.signal.addEventListener('abort', resolve))
    return next()
  }

  const outcome = await outcomeOf([slow], () => ran.push(1), { timeoutMs: 5 })

  expect(errorIn(outcome)).toMatchObject({ code: 'POSTBUS_HANDLER_TIMEOUT' })
  expect(ran).toEqual([])
})

test('the handler runs in the async context of its hooks', async () => {
  const tenant = new AsyncLocalStorage<unknown>()
  const hook: Hook = (handling, next) => tenant.run(handling.event.metadata['tenant'], next)

  expect(await outcomeOf([hook], () => tenant.getStore())).toEqual({ is: 'done', result: 'a' })
})

test('an event that a hook publishes names the handled event as its cause, as in the handler', async () => {
  const bus = createBus({
    backend: 'inline',
    handlers: [defineHandler('mail.receipt', { on: OrderCreated, handle: () => undefined })],
    middleware: [
      {
        publish: (publishing, next) => (published.push(...publishing.events), next()),
        async handle(handling, next) {
          await next()
          if (handling.event.id === event.id) await bus.publish(Audited())
        },
      },
    ],
    onSignal: () => undefined,
  })
  const published: unknown[] = []
  const Audited = () => OrderCreated({ orderId: 'o2', placedAt: new Date(0) }, { correlationId: 'audit' })

  await bus.publish(event)

  expect(published).toMatchObject([
    { id: event.id, causationId: null },
    { causationId: event.id, causedByHandler: 'mail.receipt', correlationId: 'audit' },
  ])
})

test('a hook around a handler of shadows gets the shadow', async () => {
  const seen: Handling['event'][] = []
  const bus = createBus({
    backend: 'inline',
    handlers: [defineHandler('search.index', { on: shadow(OrderCreated), handle: () => undefined })],
    middleware: [{ handle: (handling, next) => (seen.push(handling.event), next()) }],
  })

  await bus.publish(event)

  expect(seen.map((one) => ['data' in one, one.id])).toEqual([[false, event.id]])
})

test('runEvent runs the hooks of the given bus', async () => {
  const handler = defineHandler('mail.receipt', { on: OrderCreated, handle: () => 'sent' })
  const bus = createBus({ backend: 'mailbox', middleware: [{ handle: () => skip('closed') }] })

  expect(await runEvent(handler, event, { bus })).toEqual({ state: 'skipped', reason: 'closed' })
  expect(await runEvent(handler, event)).toEqual({ state: 'processed', result: 'sent' })
})

/** Makes one attempt of `mail.receipt` with these hooks around the handler. */
function outcomeOf(hooks: readonly Hook[], handle: Handle, options: HandlerOptions = {}): Promise<Outcome> {
  const handler = defineHandler('mail.receipt', { on: OrderCreated, handle, ...options })
  return attemptBy(handler, delivery, { middleware: hooksOf(hooks.map((hook) => ({ handle: hook }))) })
}

function doing(does: unknown): unknown {
  if (does instanceof Error) throw does
  return does
}
