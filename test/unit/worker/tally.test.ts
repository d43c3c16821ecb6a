import { expect, test } from 'vitest'
import { PostbusError } from '../../../src/errors.ts'
import { Tally } from '../../../src/worker/tally.ts'

test('a tally counts the outcomes of attempts, and put back counts as snoozed', () => {
  const tally = new Tally()

  tally.count({ is: 'done', result: 1 })
  tally.count({ is: 'done', result: 2 })
  tally.count({ is: 'retry', delayMs: 1, error: null })
  tally.count({ is: 'dead', reason: '', error: null, onDead: 'continue' })
  tally.count({ is: 'snoozed', delayMs: 1 })
  tally.count({ is: 'put-back', delayMs: 1, reason: new PostbusError('POSTBUS_UNKNOWN_HANDLER', '') })

  expect(tally.counts()).toEqual({ done: 2, failed: 1, dead: 1, snoozed: 2 })
})

test('counts that were returned do not change afterwards', () => {
  const tally = new Tally()
  const before = tally.counts()

  tally.count({ is: 'done', result: 1 })

  expect(before.done).toBe(0)
})
