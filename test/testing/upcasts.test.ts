/** Inline handlers and `runEvent` get the newest version of an event too, as a worker's handlers do. */
import { describe, expect, test } from 'vitest'
import { createBus, type Handler } from '../../src/index.ts'
import { runEvent } from '../../src/testing/index.ts'
import { anOrderOf, MATRIX, receiptOf, SEEN, VERSIONS } from '../support/order-versions.ts'
import { rejectionOf } from '../unit/refusal.ts'

describe('code of each version handles events of each version', () => {
  test.each(MATRIX)('inline: code $code, published in version $stored', async ({ code, stored }) => {
    const seen: object[] = []
    const events = Object.values(VERSIONS).filter(({ version }) => version <= code)
    const bus = createBus({ backend: 'inline', handlers: [receiptOf(code, seen)], events, onSignal: () => undefined })

    await bus.publish(anOrderOf[stored]())

    expect(seen).toEqual(stored > code ? [] : [SEEN[code]])
  })

  test.each(MATRIX.filter(({ code, stored }) => stored <= code))(
    'runEvent: code $code, an event of version $stored',
    async ({ code, stored }) => {
      const seen: object[] = []

      const result = await runEvent(receiptOf(code, seen) as Handler, anOrderOf[stored]() as never)

      expect(result).toMatchObject({ state: 'processed' })
      expect(seen).toEqual([SEEN[code]])
    },
  )

  test.each(MATRIX.filter(({ code, stored }) => stored > code))(
    'runEvent: code $code refuses an event of the newer version $stored',
    async ({ code, stored }) => {
      const error = await rejectionOf(runEvent(receiptOf(code, []) as Handler, anOrderOf[stored]() as never))

      expect(error.code).toBe('POSTBUS_INVALID_EVENT')
    },
  )
})
