/** `onDead` as a function: it is called when a delivery dies, with the error that ended it. */
import { describe, expect, test } from 'vitest'
import { defineHandler, discard, type HandlerDefinition } from '../../../src/index.ts'
import { attemptBy, delivery, event, OrderCreated } from './an-attempt.ts'

type OnDead = NonNullable<HandlerDefinition<typeof OrderCreated, unknown>['onDead']>

function dying(onDead: OnDead, handle: () => unknown = () => Promise.reject(new TypeError('no such order'))) {
  return defineHandler('mail.receipt', { on: OrderCreated, maxAttempts: 1, onDead, handle })
}

test('it gets the error and the event, and its return value applies', async () => {
  const asked: unknown[] = []
  const onDead = dying((error, { data, type }) => {
    asked.push([error, data, type])
    return error instanceof TypeError ? 'block' : 'continue'
  })

  const outcome = await attemptBy(onDead)

  expect(outcome).toMatchObject({ is: 'dead', reason: 'no such order', onDead: 'block' })
  expect(asked).toEqual([[new TypeError('no such order'), event.data, event.type]])
})

test('for a discarded event it gets the reason, as an error', async () => {
  const outcome = await attemptBy(
    dying(
      (error) => (String(error).includes('cancelled') ? 'continue' : 'block'),
      () => discard('it was cancelled'),
    ),
  )

  expect(outcome).toEqual({ is: 'dead', reason: 'it was cancelled', error: null, onDead: 'continue' })
})

test('it is not called while attempts are left', async () => {
  const handler = defineHandler('mail.receipt', {
    on: OrderCreated,
    onDead: () => expect.unreachable(),
    handle: () => Promise.reject(new Error('no')),
  })

  expect(await attemptBy(handler)).toMatchObject({ is: 'retry' })
})

describe('the key is blocked, with a signal,', () => {
  test.each([
    [
      'when it throws',
      () => {
        throw new Error('what now')
      },
      /threw: what now/,
    ],
    ['when it returns a promise', () => Promise.resolve('continue'), /returned object/],
    ['when it returns another word', () => 'go on', /returned "go on"/],
  ])('%s', async (_, onDead, says) => {
    const signals: unknown[][] = []

    const outcome = await attemptBy(dying(onDead as OnDead), delivery, { emit: (...signal) => signals.push(signal) })

    expect(outcome).toMatchObject({ is: 'dead', onDead: 'block' })
    expect(signals).toEqual([
      ['error', 'on-dead.failed', expect.stringMatching(says), expect.objectContaining({ handler: 'mail.receipt' })],
    ])
  })

  test('but without a signal when the event cannot be read, because `onDead` cannot be called', async () => {
    const outcome = await attemptBy(
      dying(() => 'continue'),
      { ...delivery, event: null },
    )

    expect(outcome).toMatchObject({ is: 'dead', onDead: 'block' })
  })
})
