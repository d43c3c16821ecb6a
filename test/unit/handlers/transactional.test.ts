/** Options that do not fit a transaction are refused where the handler is defined. */
import { expect, test } from 'vitest'
import { defineHandler } from '../../../src/index.ts'
import { NoteTaken } from '../../support/notes.ts'

test.each([
  ['maxAttempts', { maxAttempts: 3 }],
  ['backoff', { backoff: {} }],
  ['queue', { queue: 'slow' }],
  ['priority', { priority: 1 }],
  ['concurrency', { concurrency: 1 }],
  ['onDead', { onDead: 'block' }],
  ['backfill', { backfill: { since: new Date(0) } }],
  ['delivery', { delivery: 'log' }],
  ['shards', { shards: 4 }],
  ['transactional', { transactional: true }],
  ['ordered', { ordered: false }],
  ['coalesce', { coalesce: 'latest' }],
  ['rateLimit', { rateLimit: { limit: 1, perMs: 1_000 } }],
  ['circuitBreaker', { circuitBreaker: { failures: 1, perMs: 1_000, pauseMs: 1_000 } }],
  ['isRetryable', { isRetryable: () => true }],
] as const)('a handler inside publish refuses `%s`', (option, given) => {
  const defining = () =>
    defineHandler('notes.check', { on: NoteTaken, runs: 'in-transaction', ...given, handle: () => 1 })

  expect(defining).toThrow(expect.objectContaining({ code: 'POSTBUS_INVALID_HANDLER' }))
  expect(defining).toThrow(`expected no \`${option}\``)
})

test('a handler inside publish may have a time limit and a filter', () => {
  const handler = defineHandler('notes.check', {
    on: NoteTaken,
    runs: 'in-transaction',
    timeoutMs: 100,
    interested: () => true,
    handle: () => 1,
  })

  expect(handler.options).toMatchObject({ runs: 'in-transaction', timeoutMs: 100 })
})

test('a transactional handler that reads the log is accepted', () => {
  const defining = () =>
    defineHandler('notes.index', {
      on: NoteTaken,
      transactional: true,
      delivery: 'log',
      coalesce: 'latest',
      handle: () => 1,
    })

  expect(defining).toThrow(expect.objectContaining({ code: 'POSTBUS_INVALID_HANDLER' }))
  expect(defining).toThrow('expected no `coalesce`')
})
