import { describe, expect, test, vi } from 'vitest'
import { createCodec } from '../../../src/codec/codec.ts'
import { defineHandler } from '../../../src/handlers/handler.ts'
import { stored } from '../worker/a-delivery.ts'
import { attemptBy, delivery, errorIn, event, OrderCreated, outcomeOf } from './an-attempt.ts'

describe('a delivery that this worker cannot handle, but a newer worker may', () => {
  test('is put back when no handler has its handler’s name', async () => {
    const outcome = await outcomeOf({ ...delivery, handler: 'mail.newsletter' })

    expect(outcome).toMatchObject({ is: 'put-back', delayMs: 30_000 })
    expect(errorIn(outcome)).toMatchObject({ code: 'POSTBUS_UNKNOWN_HANDLER' })
    expect(errorIn(outcome)?.message).toContain('"mail.newsletter"')
  })

  test('is put back when its event has a newer version', async () => {
    const outcome = await outcomeOf({ ...delivery, event: stored(event, { version: 3 }) })

    expect(outcome).toMatchObject({ is: 'put-back', delayMs: 30_000 })
    expect(errorIn(outcome)).toMatchObject({ code: 'POSTBUS_NEWER_VERSION' })
    expect(errorIn(outcome)?.message).toContain('orders.order-created version 3 for handler "mail.receipt"')
    expect(errorIn(outcome)?.message).toContain('this worker knows v2')
  })

  test('is put back when its handler no longer listens to its event type', async () => {
    const outcome = await outcomeOf({ ...delivery, event: stored(event, { type: 'orders.order-shipped' }) })

    expect(outcome).toMatchObject({ is: 'put-back' })
    expect(errorIn(outcome)?.message).toContain('no longer listens to this event type')
  })

  test('is put back even after many attempts', async () => {
    const outcomes = [
      await outcomeOf({ ...delivery, attempt: 99, handler: 'mail.newsletter' }),
      await outcomeOf({ ...delivery, attempt: 99, event: stored(event, { version: 3 }) }),
    ]

    expect(outcomes.map(({ is }) => is)).toEqual(['put-back', 'put-back'])
  })
})

describe('a delivery that cannot succeed in any attempt', () => {
  test('is dead when its event is gone', async () => {
    const outcome = await outcomeOf({ ...delivery, event: null }, undefined, { onDead: 'block' })

    expect(outcome).toMatchObject({ is: 'dead', onDead: 'block', error: { code: 'POSTBUS_CORRUPT_PAYLOAD' } })
    expect(errorIn(outcome)?.message).toContain(`delivery ${delivery.id} is no longer stored`)
  })

  test('is dead when its event has an older version than its handler lists', async () => {
    const outcome = await outcomeOf({ ...delivery, event: stored(event, { version: 1 }) })

    expect(outcome).toMatchObject({ is: 'dead', error: { code: 'POSTBUS_OLDER_VERSION' } })
    expect(errorIn(outcome)?.message).toContain('npx postbus dead retry')
  })

  test.each(['', '{', '{"json":1,"meta":{"values":{"a":["Nonsense"]},"v":1}}'])(
    'is dead when its payload cannot be read: %s',
    async (payload) => {
      const outcome = await outcomeOf({ ...delivery, event: stored(event, { payload }) })

      expect(outcome).toMatchObject({ is: 'dead', error: { code: 'POSTBUS_CORRUPT_PAYLOAD' } })
      expect(errorIn(outcome)?.message).toContain('The stored payload is not a document that Postbus wrote')
    },
  )

  test.each(['', '{', `${'['.repeat(410)}{"\\n":1}${']'.repeat(410)}`])(
    'is dead when its metadata cannot be read: %s',
    async (metadata) => {
      const outcome = await outcomeOf({ ...delivery, event: stored(event, { metadata }) })

      expect(outcome).toMatchObject({ is: 'dead', error: { code: 'POSTBUS_CORRUPT_PAYLOAD' } })
      expect(errorIn(outcome)?.message).toContain(`${event.type} ${event.id}: the stored metadata cannot be read`)
    },
  )

  test('is dead when decoding it throws any other error', async () => {
    const failure = new RangeError('too deep')
    const codec = {
      ...createCodec(),
      open() {
        throw failure
      },
    }

    const handler = defineHandler('mail.receipt', { on: OrderCreated, handle() {} })

    const outcome = await attemptBy(handler, delivery, { codec })

    expect(outcome).toMatchObject({ is: 'dead', error: { code: 'POSTBUS_CORRUPT_PAYLOAD', cause: failure } })
  })

  test('is dead when its worker died in every allowed attempt', async () => {
    const handle = vi.fn<() => void>()

    const last = await outcomeOf({ ...delivery, attempt: 5 }, handle)
    const oneTooMany = await outcomeOf({ ...delivery, attempt: 6 }, handle)

    expect(last).toMatchObject({ is: 'done' })
    expect(oneTooMany).toMatchObject({
      is: 'dead',
      reason: expect.stringContaining('during attempt 5, which was the last one allowed') as unknown,
      error: null, // the deaths are already stored with the delivery
    })
    expect(handle).toHaveBeenCalledOnce()
  })
})
