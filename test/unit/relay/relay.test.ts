/** `defineRelay`: a handler with all features of a handler, except the options that it refuses. */
import { expect, test } from 'vitest'
import { createBus, defineEvent, failed, shadow, snooze, upcast, type PublishedEvent } from '../../../src/index.ts'
import { z } from 'zod'
import { closeHandlers } from '../../../src/handlers/close-handlers.ts'
import {
  defineRelay,
  defineWebhooks,
  type RelayAnswer,
  type RelayContext,
  type RelayMessage,
  type RelayTarget,
} from '../../../src/relay/index.ts'
import { runEvent } from '../../../src/testing/index.ts'
import { NoteTaken } from '../../support/notes.ts'

test('a relay is a handler: its options apply, and it knows the line that defined it', () => {
  const relay = defineRelay('notes.relay', {
    on: 'notes.*',
    to: aTarget().target,
    delivery: 'log',
    maxAttempts: 20,
    rateLimit: { limit: 10, perMs: 1_000 },
    interested: ({ type }) => type !== 'notes.note-lost',
    previousNames: ['notes.old'],
  })

  expect(relay.options).toMatchObject({ delivery: 'log', maxAttempts: 20, rateLimit: { limit: 10 } })
  expect(relay.previousNames).toEqual(['notes.old'])
  expect(relay.definedAt).toContain('relay.test.ts')
  expect(relay.interested).toBeTypeOf('function')
})

test('its target gets the message, the event and the attempt', async () => {
  const { target, sent } = aTarget()
  const event = NoteTaken({ n: 1, key: 'k' })

  await runEvent(defineRelay('notes.relay', { on: NoteTaken, to: target }), event, { attempt: 3 })

  expect(sent).toMatchObject([
    [
      {
        id: event.id,
        type: 'notes.note-taken',
        partitionKey: 'k',
        contentType: expect.stringContaining('cloudevents'),
      },
      { relay: 'notes.relay', attempt: 3, maxAttempts: 5, isReplay: false, event: { id: event.id, data: { n: 1 } } },
    ],
  ])
  expect(sent[0]![1].signal).toBeInstanceOf(AbortSignal)
})

test.each([
  ['nothing', undefined, { state: 'processed', result: undefined }],
  ['failed', failed('no'), { state: 'failed', reason: 'no' }],
  ['snooze', snooze({ seconds: 5 }), { state: 'snoozed', delayMs: 5_000 }],
] as const)('the return value of the target is the outcome: %s', async (_, answer, outcome) => {
  const relay = defineRelay('notes.relay', { on: NoteTaken, to: aTarget(answer).target })

  expect(await runEvent(relay, NoteTaken({ n: 1 }))).toEqual(outcome)
})

test('the relay’s format applies, else the target’s', async () => {
  const { target, sent } = aTarget()
  const wanting: RelayTarget = { ...target, format: 'cloudevents-binary' }

  await runEvent(defineRelay('notes.a', { on: NoteTaken, to: wanting }), NoteTaken({ n: 1 }))
  await runEvent(defineRelay('notes.b', { on: NoteTaken, to: wanting, format: 'envelope' }), NoteTaken({ n: 1 }))

  expect(sent.map(([message]) => message.contentType)).toEqual([
    'application/json',
    'application/vnd.postbus.event+json',
  ])
})

test('an event of an older version is sent as the version that the relay lists', async () => {
  const V1 = defineEvent('notes.versioned', { schema: z.object({ text: z.string() }) })
  const V2 = defineEvent('notes.versioned', {
    version: 2,
    schema: z.object({ lines: z.array(z.string()) }),
    upcasts: { 1: upcast(V1, ({ text }) => ({ lines: text.split('\n') })) },
  })
  const { target, sent } = aTarget()

  await runEvent(defineRelay('notes.relay', { on: V2, to: target }), V1({ text: 'a\nb' }) as never)

  expect(JSON.parse(String(sent[0]![0].body))).toMatchObject({ dataversion: 2, data: { lines: ['a', 'b'] } })
})

test('`bus.close()` closes the targets of its relays, even if one of them fails', async () => {
  const closed: string[] = []
  const closing = (name: string): RelayTarget => ({ ...aTarget().target, close: async () => void closed.push(name) })
  const broken: RelayTarget = { ...aTarget().target, close: () => Promise.reject(new Error('stuck')) }
  const targets = [closing('a'), broken, closing('b'), aTarget().target]
  const handlers = targets.map((to, n) => defineRelay(`notes.relay-${n}`, { on: NoteTaken, to }))
  const bus = createBus({ backend: 'inline', handlers })

  await expect(bus.close()).rejects.toThrow('stuck')

  expect(closed).toEqual(['a', 'b'])
})

test('a target that does not close delays `bus.close()` only briefly', async () => {
  const stuck: RelayTarget = { ...aTarget().target, close: () => new Promise(() => undefined) }

  await expect(closeHandlers([defineRelay('notes.relay', { on: NoteTaken, to: stuck })], 50)).resolves.toBeUndefined()
})

test('in the inline backend a relay sends inside `publish`', async () => {
  const { target, sent } = aTarget()
  const bus = createBus({ backend: 'inline', handlers: [defineRelay('notes.relay', { on: NoteTaken, to: target })] })

  const { events } = await bus.publish(NoteTaken({ n: 1 }))

  expect(sent.map(([{ id }]) => id)).toEqual(events.map(({ id }: PublishedEvent) => id))
  await bus.close()
})

test.each([
  ['no target', { to: undefined }, /expected `to` to be a target/],
  ['a target that cannot send', { to: { name: 'x' } }, /expected `to` to be a target/],
  ['a shadow', { on: shadow(NoteTaken) }, /expected no `shadow/],
  ['a transaction', { transactional: true }, /expected no `transactional`/],
  ['a place in publish', { runs: 'in-transaction' }, /expected no `runs`/],
  ['a handle of its own', { handle: () => undefined }, /expected no `handle`/],
  ['an unknown format', { format: 'xml' }, /expected `format` to be one of/],
  ['unknown data', { data: 'xml' }, /expected `data` to be/],
  ['an unknown option', { retries: 3 }, /retries/],
])('%s is refused', (_, wrong, message) => {
  const definition = { on: NoteTaken, to: aTarget().target, ...wrong } as never

  expect(() => defineRelay('notes.relay', definition)).toThrowError(
    expect.objectContaining({ code: 'POSTBUS_INVALID_HANDLER', message: expect.stringMatching(message) }),
  )
})

test.each([
  ['no `endpoints`', { endpoints: undefined }, 'POSTBUS_INVALID_OPTIONS'],
  ['no `endpoint`', { endpoint: 'https://example.com' }, 'POSTBUS_INVALID_OPTIONS'],
  ['an unknown order', { order: 'fifo' }, 'POSTBUS_INVALID_OPTIONS'],
  ['a circuit without failures', { circuit: { failures: 0 } }, 'POSTBUS_INVALID_OPTIONS'],
  ['an unknown format', { format: 'xml' }, 'POSTBUS_INVALID_HANDLER'],
  ['no attempts', { maxAttempts: 0 }, 'POSTBUS_INVALID_HANDLER'],
  ['an unknown option', { retries: 3 }, 'POSTBUS_INVALID_OPTIONS'],
])('`defineWebhooks` refuses %s', (_, wrong, code) => {
  const definition = { on: NoteTaken, endpoints: () => [], endpoint: () => null, ...wrong } as never

  expect(() => defineWebhooks('notes.webhooks', definition)).toThrowError(expect.objectContaining({ code }))
})

function aTarget(answer?: RelayAnswer) {
  const sent: (readonly [RelayMessage, RelayContext])[] = []
  const target: RelayTarget = {
    name: 'a test',
    async send(message, context) {
      sent.push([message, context])
      return answer
    },
  }
  return { target, sent }
}
