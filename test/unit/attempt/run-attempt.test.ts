import assert from 'node:assert'
import { describe, expect, test, vi } from 'vitest'
import type { Envelope } from '../../../src/events/envelope.ts'
import { defineHandler } from '../../../src/handlers/handler.ts'
import type { HandlerContext } from '../../../src/handlers/handler-context.ts'
import { discard, failed, snooze } from '../../../src/handlers/outcome.ts'
import { stored } from '../worker/a-delivery.ts'
import { attemptBy, delivery, errorIn, event, outcomeOf } from './an-attempt.ts'

describe('a handler that returns', () => {
  test.each([undefined, null, 'sent', 0, false, { is: 'failed' }])('%j is done, with that result', async (value) => {
    const outcome = await outcomeOf(delivery, () => value)

    expect(outcome).toEqual({ is: 'done', result: value })
  })

  test('gets the event exactly as it was published, with rich types', async () => {
    const handle = vi.fn<(given: unknown) => void>()

    await outcomeOf(delivery, handle)

    expect(handle.mock.calls[0]?.[0]).toEqual(event)
  })

  test('gets a new copy of the event at each attempt', async () => {
    const seen: unknown[] = []
    const remember = (given: Envelope) => void seen.push(given.data)

    await outcomeOf(delivery, remember)
    await outcomeOf(delivery, remember)

    expect(seen[0]).toEqual(seen[1])
    expect(seen[0]).not.toBe(seen[1])
  })

  test('makes the delivery dead at once by discard, with the reason and without an error', async () => {
    const outcome = await outcomeOf(delivery, () => discard('order was cancelled'), { onDead: 'block' })

    expect(outcome).toEqual({ is: 'dead', reason: 'order was cancelled', error: null, onDead: 'block' })
  })

  test('comes again later by snooze, even after its last attempt', async () => {
    const outcome = await outcomeOf({ ...delivery, attempt: 5 }, () => snooze({ minutes: 1 }))

    expect(outcome).toEqual({ is: 'snoozed', delayMs: 60_000 })
  })
})

describe('a handler that fails', () => {
  test('by returning failed is tried again after its backoff, with the reason and the cause', async () => {
    const cause = new Error('402')

    const outcome = await outcomeOf(delivery, () => failed('card declined', { cause }), { backoff: () => 7_000 })

    expect(outcome).toMatchObject({ is: 'retry', delayMs: 7_000 })
    expect(errorIn(outcome)).toMatchObject({ code: 'POSTBUS_ATTEMPT_FAILED', message: 'card declined', cause })
  })

  test.each([new TypeError('of null'), 'text', undefined, null, { code: 7 }, Symbol('odd')])(
    'by throwing %s is tried again, with the thrown value',
    async (thrown) => {
      const outcome = await outcomeOf(delivery, () => {
        throw thrown
      })

      expect(outcome).toMatchObject({ is: 'retry' })
      expect(errorIn(outcome)).toBe(thrown)
    },
  )

  test('by rejecting later is tried again, as if it had thrown', async () => {
    const error = new Error('later')

    const outcome = await outcomeOf(delivery, () => Promise.reject(error))

    expect(errorIn(outcome)).toBe(error)
  })

  test('waits as long as its backoff returns for that attempt', async () => {
    const backoff = vi.fn<(attempt: number, error: unknown) => number>(() => 1)
    const error = new Error('no')

    await outcomeOf({ ...delivery, attempt: 3 }, () => failed(error), { backoff })

    expect(backoff).toHaveBeenCalledExactlyOnceWith(3, error)
  })

  test('waits half a minute when its backoff throws', async () => {
    const backoff = () => {
      throw new Error('backoff')
    }

    const outcome = await outcomeOf(delivery, () => failed('no'), { backoff })

    expect(outcome).toMatchObject({ is: 'retry', delayMs: 30_000 })
  })

  test.each([
    ['failed', () => failed('card declined')],
    ['throwing', () => Promise.reject(new Error('card declined'))],
  ])('its last attempt by %s makes the delivery dead, and `onDead` applies', async (_, handle) => {
    const options = { maxAttempts: 3, onDead: 'block' } as const

    const [before, last] = [
      await outcomeOf({ ...delivery, attempt: 2 }, handle, options),
      await outcomeOf({ ...delivery, attempt: 3 }, handle, options),
    ]

    expect(before).toMatchObject({ is: 'retry' })
    expect(last).toMatchObject({ is: 'dead', reason: 'card declined', onDead: 'block' })
  })

  test('its last attempt by throwing a value that is no error makes the delivery dead, with the value as text', async () => {
    const outcome = await outcomeOf(delivery, () => Promise.reject('card declined'), {
      maxAttempts: 1,
    })

    expect(outcome).toEqual({ is: 'dead', reason: 'card declined', error: 'card declined', onDead: 'continue' })
  })

  test('by returning failed with an error is the same as by throwing that error', async () => {
    const error = new TypeError('of null')

    const outcome = await outcomeOf(delivery, () => failed(error))

    expect(errorIn(outcome)).toBe(error)
  })

  test.each([
    ['an object without a prototype', Object.create(null)],
    ['what cannot be made text', { toString: () => Promise.reject }],
    ['an error whose message throws', Object.defineProperty(new Error('no'), 'message', { get: () => assert.fail() })],
    ['an error whose message is no text', Object.assign(new Error('no'), { message: Object.create(null) })],
  ])('its last attempt by throwing %s makes the delivery dead like any other', async (_, thrown) => {
    const outcome = await outcomeOf(delivery, () => Promise.reject(thrown), { maxAttempts: 1 })

    expect(outcome).toMatchObject({ is: 'dead', reason: 'Thrown: a value that cannot be shown' })
  })
})

describe('a handler of a pattern', () => {
  test('takes every version', async () => {
    const handler = defineHandler('mail.receipt', { on: 'orders.*', handle: ({ version }) => version })

    const outcome = await attemptBy(handler, { ...delivery, event: stored(event, { version: 9 }) })

    expect(outcome).toEqual({ is: 'done', result: 9 })
  })
})

describe('the time limit of a handler', () => {
  test('is the one in its options, and afterwards the attempt fails', async () => {
    const handle = async (_: Envelope, { signal }: HandlerContext) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      return 'too late'
    }

    const outcome = await outcomeOf(delivery, handle, { timeoutMs: 1 })

    expect(outcome).toMatchObject({ is: 'retry', error: { code: 'POSTBUS_HANDLER_TIMEOUT' } })
  })
})
