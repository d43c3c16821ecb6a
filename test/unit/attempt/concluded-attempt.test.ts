/** The end of an attempt: its outcome is reported and stored, even if the outcome itself fails. */
import { expect, test } from 'vitest'
import { concludedAttempt } from '../../../src/attempt/concluded-attempt.ts'
import type { Emit } from '../../../src/signals.ts'
import { aDelivery } from '../worker/a-delivery.ts'

const delivery = aDelivery({ attempt: 2, handler: 'mail.receipt' })

test('an outcome is stored', async () => {
  const { outcome, settlement } = await concludedAttempt(Promise.resolve({ is: 'done', result: 1 }), delivery, silent)

  expect(outcome).toEqual({ is: 'done', result: 1 })
  expect(settlement).toEqual({ delivery, is: 'done' })
})

test.each([
  ['a query', new Error('the connection was cut'), 'the connection was cut'],
  ['something that cannot be read', hostile(), 'a value that cannot be shown'],
])(
  'an attempt whose outcome fails with %s is tried again later, and is reported with the reason',
  async (_, error, says) => {
    const said: string[] = []
    const emit: Emit = (level, name, message) => void said.push(`${level} ${name} ${message}`)

    const { settlement } = await concludedAttempt(Promise.reject(error), delivery, emit)

    expect(settlement).toMatchObject({
      is: 'retry',
      delayMs: 30_000,
      error: { code: 'POSTBUS_ATTEMPT_FAILED', attempt: 2 },
    })
    expect((settlement as { error: { message: string } }).error.message).toContain(says)
    expect(said).toEqual([expect.stringMatching(/^error worker\.error mail\.receipt: The result of this attempt/)])
  },
)

function hostile(): unknown {
  return {
    get message() {
      throw new Error('not for you')
    },
    toString() {
      throw new Error('not for you')
    },
  }
}

function silent(): void {}
