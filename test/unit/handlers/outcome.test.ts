import { describe, expect, test } from 'vitest'
import { discard, failed, isAnswer, snooze } from '../../../src/handlers/outcome.ts'
import { refusalOf } from '../refusal.ts'

describe('failed', () => {
  test('keeps the reason, and a cause if there is one', () => {
    const cause = new Error('timeout')

    const answers = [failed('card declined'), failed('card declined', { cause })]

    expect(answers).toMatchObject([
      { is: 'failed', reason: 'card declined', cause: undefined },
      { is: 'failed', reason: 'card declined', cause },
    ])
  })

  test('takes both the reason and the cause from an error', () => {
    const error = new TypeError('of null')

    const answer = failed(error)

    expect(answer).toMatchObject({ reason: 'of null', cause: error })
  })

  test('takes another cause together with an error', () => {
    const answer = failed(new Error('outer'), { cause: 'inner' })

    expect(answer).toMatchObject({ reason: 'outer', cause: 'inner' })
  })
})

describe('discard', () => {
  test('keeps the reason', () => {
    const answer = discard('order was cancelled')

    expect(answer).toMatchObject({ is: 'discard', reason: 'order was cancelled' })
  })

  test('takes the reason from an error', () => {
    const answer = discard(new Error('order was cancelled'))

    expect(answer.reason).toBe('order was cancelled')
  })
})

describe('snooze', () => {
  test.each([
    [{ seconds: 30 }, 30_000],
    [{ minutes: 2 }, 120_000],
    [{ hours: 1 }, 3_600_000],
    [{ hours: 1, minutes: 1, seconds: 1 }, 3_661_000],
    [{ seconds: 0.5 }, 500],
    [{ hours: 365 * 24 }, 31_536_000_000],
  ])('%j is %d milliseconds', (time, delayMs) => {
    const answer = snooze(time)

    expect(answer.delayMs).toBe(delayMs)
  })

  test.each([{}, { seconds: 0 }, { seconds: -1 }, { seconds: Number.NaN }, { hours: 365 * 24, seconds: 1 }])(
    '%j is not a valid time',
    (time) => {
      const error = refusalOf(() => snooze(time))

      expect(error.code).toBe('POSTBUS_INVALID_OPTIONS')
      expect(error.message).toContain('expected a time above 0 and up to 365 days')
    },
  )
})

describe('an outcome', () => {
  test('has a text as its reason, even for an invalid value: no other reason could be settled', () => {
    const reasons = [undefined, 7, null].flatMap((reason) => [
      failed(reason as never).reason,
      discard(reason as never).reason,
    ])

    expect(reasons).toEqual(['undefined', 'undefined', '7', '7', 'null', 'null'])
  })

  test('is distinguished from a handler’s own value, even a similar one', () => {
    const answers = [failed('no'), discard('no'), snooze({ seconds: 1 })]
    const values = [undefined, null, 'failed', { is: 'failed', reason: 'no' }, () => failed('no'), structuredClone]

    expect(answers.map(isAnswer)).toEqual([true, true, true])
    expect(values.some(isAnswer)).toBe(false)
  })

  test('is recognized by another copy of the package in the same process', () => {
    const madeElsewhere = { [Symbol.for('postbus.answer')]: true, is: 'discard', reason: 'no' }

    const known = isAnswer(madeElsewhere)

    expect(known).toBe(true)
  })

  test('cannot be changed', () => {
    const answers = [failed('no'), discard('no'), snooze({ seconds: 1 })]

    expect(answers.every((answer) => Object.isFrozen(answer))).toBe(true)
  })
})
