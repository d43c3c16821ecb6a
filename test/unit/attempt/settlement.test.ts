import { describe, expect, test } from 'vitest'
import { PostbusError } from '../../../src/errors.ts'
import { settlementOf } from '../../../src/attempt/settlement.ts'
import { aDelivery } from '../worker/a-delivery.ts'

const delivery = aDelivery({ attempt: 3 })

describe('the settlement of an attempt', () => {
  test('that is done says so, and does not contain the result', () => {
    const settlement = settlementOf(delivery, { is: 'done', result: { secret: 'hunter2' } })

    expect(settlement).toEqual({ delivery, is: 'done' })
  })

  test('that was snoozed or put back has the delay and no error', () => {
    const reason = new PostbusError('POSTBUS_UNKNOWN_HANDLER', 'Nobody.')

    const settlements = [
      settlementOf(delivery, { is: 'snoozed', delayMs: 60_000 }),
      settlementOf(delivery, { is: 'put-back', delayMs: 30_000, reason }),
    ]

    expect(settlements).toEqual([
      { delivery, is: 'later', delayMs: 60_000 },
      { delivery, is: 'later', delayMs: 30_000 },
    ])
  })

  test('that is tried again has the delay and the error', () => {
    const settlement = settlementOf(delivery, { is: 'retry', delayMs: 2_000, error: new Error('card declined') })

    expect(settlement).toMatchObject({
      is: 'retry',
      delayMs: 2_000,
      error: { attempt: 3, message: 'card declined', at: expect.stringMatching(/Z$/) },
    })
  })

  test('that died has the error, and says whether its key is blocked', () => {
    const outcome = { is: 'dead', reason: 'password=hunter2\u0000', error: new Error('no'), onDead: 'block' } as const

    const settlement = settlementOf(delivery, outcome)

    expect(settlement).toMatchObject({
      is: 'dead',
      reason: 'password=***',
      error: { attempt: 3, message: 'no' },
      onDead: 'block',
    })
  })

  test('that was discarded has a reason and no error', () => {
    const settlement = settlementOf(delivery, { is: 'dead', reason: 'cancelled', error: null, onDead: 'continue' })

    expect(settlement).toEqual({ delivery, is: 'dead', reason: 'cancelled', error: null, onDead: 'continue' })
  })
})
