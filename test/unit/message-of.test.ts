import { expect, test } from 'vitest'
import { messageOf } from '../../src/message-of.ts'

const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' })

test.each([
  ['an error', new Error('out of ink'), 'out of ink'],
  ['a host with several addresses', new AggregateError([refused, new Error('other')]), refused.message],
  ['several errors with a message of their own', new AggregateError([refused], 'all failed'), 'all failed'],
  ['an error without a message', Object.assign(new Error(''), { code: 'ETIMEDOUT' }), 'ETIMEDOUT'],
  ['an error with neither message nor code', new TypeError(''), 'TypeError'],
  ['no errors at all', new AggregateError([]), 'AggregateError'],
  ['text', 'out of ink', 'out of ink'],
  ['nothing', undefined, 'undefined'],
])('the message of %s says what there is to say', (_, thrown, message) => {
  expect(messageOf(thrown)).toBe(message)
})
