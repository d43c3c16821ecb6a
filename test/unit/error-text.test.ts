/** Every thrown value gives a reason with some text. */
import { describe, expect, test } from 'vitest'
import { attemptError, reasonOf } from '../../src/attempt/attempt-error.ts'
import { safeTextOfError } from '../../src/error-text.ts'
import { discard, failed } from '../../src/index.ts'

const refusedAt = (address: string) =>
  Object.assign(new Error(`connect ECONNREFUSED ${address}`), { code: 'ECONNREFUSED' })
/** Node throws this error for a host with two addresses that both refuse the connection. */
const refused = Object.assign(new AggregateError([refusedAt('::1:5432'), refusedAt('127.0.0.1:5432')]), {
  code: 'ECONNREFUSED',
})
const REFUSED = 'connect ECONNREFUSED ::1:5432; connect ECONNREFUSED 127.0.0.1:5432'

const circular = new AggregateError([])
circular.errors.push(circular)

describe('the reason of an error', () => {
  test.each([
    ['a connection that was refused at each address', refused, REFUSED],
    ['several errors with a message', new AggregateError([new Error('a'), 'b'], 'All failed'), 'All failed: a; b'],
    ['many errors', new AggregateError(Array.from('abcde', (text) => new Error(text))), 'a; b; c; and 2 more'],
    ['the same error many times', new AggregateError(Array.from('aaaaa', (text) => new Error(text))), 'a'],
    ['several errors in several errors', new AggregateError([refused]), REFUSED],
    ['several errors of which there is none', new AggregateError([]), 'AggregateError'],
    ['an error without a message', new TypeError(), 'TypeError'],
    ['an error of blanks', new Error('  '), 'Error'],
    ['an error with nothing but a code', Object.assign(new Error(), { code: 'ETIMEDOUT' }), 'ETIMEDOUT'],
    ['an error with nothing but a cause', new Error('', { cause: refused }), REFUSED],
    ['an object with a message', { message: 'no such row', code: 'PGRST116' }, 'no such row'],
    ['a text', 'away', 'away'],
    ['an empty text', '', 'an empty text'],
    ['nothing', undefined, 'undefined'],
    ['several errors that are among themselves', circular, 'AggregateError'],
  ])('%s', (_, error, text) => {
    expect(safeTextOfError(error)).toBe(text)
    expect(reasonOf(error)).toBe(text)
  })

  test('has a text even when reading the error fails', () => {
    const hostile = Object.defineProperty(new Error(), 'message', {
      get: () => {
        throw new Error('no')
      },
    })

    expect(safeTextOfError(hostile)).toBe('a value that cannot be shown')
  })
})

describe('a delivery that dies because a connection was refused', () => {
  test('names this in its reason and in the errors of its attempts', () => {
    expect(reasonOf(refused)).toBe(REFUSED)
    expect(attemptError(refused, 1, new Date(0)).message).toBe(`AggregateError: ${REFUSED}`)
  })

  test('names this when the handler returns the error', () => {
    expect(failed(refused).reason).toBe(REFUSED)
    expect(discard(refused).reason).toBe(REFUSED)
  })
})
