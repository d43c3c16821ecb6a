import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent } from '../../../src/events/event.ts'
import { defineHandler, isHandler } from '../../../src/handlers/handler.ts'
import { refusalOf } from '../refusal.ts'

const OrderCreated = defineEvent('orders.order-created', { schema: z.string() })

describe('a handler', () => {
  test('has every option filled in', () => {
    const handler = defineHandler('mail.receipt', { on: OrderCreated, handle() {} })

    expect(handler.options).toEqual({
      priority: 0,
      maxAttempts: 5,
      timeoutMs: 60_000,
      delivery: 'job',
      ordered: true,
      queue: 'events',
      runs: 'in-worker',
      transactional: false,
      onDead: 'continue',
      backoff: { initialMs: 2_000, factor: 4, maxMs: 3_600_000, jitter: 0.2 },
    })
    expect(handler.interested).toBeNull()
  })

  test('keeps its options', () => {
    const backoff = (attempt: number) => attempt * 1_000
    const told = { priority: 9, maxAttempts: 1_000, timeoutMs: 43_200_000, queue: 'slow', onDead: 'block' } as const

    const handler = defineHandler('mail.receipt', { on: OrderCreated, handle() {}, ...told, backoff })

    expect(handler.options).toEqual({
      ...told,
      backoff,
      delivery: 'job',
      ordered: true,
      runs: 'in-worker',
      transactional: false,
    })
  })

  test.each([
    [5, { perProcess: 5 }],
    [
      { perProcess: 5, cluster: 10 },
      { perProcess: 5, cluster: 10 },
    ],
    [{ cluster: 10 }, { cluster: 10 }],
  ])('accepts a concurrency of %o', (concurrency, understood) => {
    const handler = defineHandler('mail.receipt', { on: OrderCreated, handle() {}, concurrency })

    expect(handler.options.concurrency).toEqual(understood)
  })

  test('fills in the missing parts of a backoff', () => {
    const handler = defineHandler('mail.receipt', { on: OrderCreated, handle() {}, backoff: { initialMs: 1 } })

    expect(handler.options.backoff).toEqual({ initialMs: 1, factor: 4, maxMs: 3_600_000, jitter: 0.2 })
  })

  test('knows the line that defined it', () => {
    const handler = defineHandler('mail.receipt', { on: OrderCreated, handle() {} })

    expect(handler.definedAt).toMatch(/handler\.test\.ts:\d+:\d+/)
  })

  test('has options and subscriptions that cannot be changed', () => {
    const handler = defineHandler('mail.receipt', { on: OrderCreated, handle() {} })

    expect([handler.options, handler.subscriptions].every(Object.isFrozen)).toBe(true)
  })

  test('is recognized, also when another copy of the package made it', () => {
    const handler = defineHandler('mail.receipt', { on: OrderCreated, handle() {} })
    const madeElsewhere = { ...handler }

    const others = [
      null,
      undefined,
      'mail.receipt',
      OrderCreated,
      { name: 'mail.receipt', on: OrderCreated, handle() {} },
    ]

    expect([handler, madeElsewhere].map(isHandler)).toEqual([true, true])
    expect(others.some(isHandler)).toBe(false)
  })
})

describe('a handler is refused', () => {
  test.each([
    ['a priority below the first', { priority: -1 }, 'priority'],
    ['a priority after the last', { priority: 10 }, 'priority'],
    ['a priority between two others', { priority: 0.5 }, 'priority'],
    ['no attempt at all', { maxAttempts: 0 }, 'maxAttempts'],
    ['attempts without end', { maxAttempts: 1_001 }, 'maxAttempts'],
    ['no time', { timeoutMs: 0 }, 'timeoutMs'],
    ['more than 12 hours', { timeoutMs: 43_200_001 }, 'timeoutMs'],
    ['a queue with a name that is not allowed', { queue: 'Slow Ones' }, 'queue'],
    ['the queue that belongs to another one', { queue: 'events_partitioned' }, 'queue'],
    ['no slot at all', { concurrency: 0 }, 'expected a whole number from 1 to 100,000'],
    ['half a slot', { concurrency: 1.5 }, '→ at concurrency'],
    ['slots in words', { concurrency: 'five' }, '→ at concurrency'],
    ['no slot in a process', { concurrency: { perProcess: 0 } }, '→ at concurrency.perProcess'],
    ['no slot in the cluster', { concurrency: { perProcess: 1, cluster: 0 } }, '→ at concurrency.cluster'],
    ['a limit that limits nothing', { concurrency: {} }, '→ at concurrency'],
    ['a limit of a kind it does not know', { concurrency: { perQueue: 1 } }, '→ at concurrency'],
    ['a way to get its events that it does not know', { delivery: 'queue' }, '→ at delivery'],
    ['shards without the log', { shards: 4 }, "`shards` is for handlers with `delivery: 'log'`"],
    ['too many shards', { delivery: 'log', shards: 1_000 }, '→ at shards'],
    ['a priority in the log', { delivery: 'log', priority: 1 }, 'expected no `priority`'],
    ['a limit for all processes in the log', { delivery: 'log', concurrency: { cluster: 2 } }, 'concurrency.cluster'],
    ['an end it does not know', { onDead: 'stop' }, 'onDead'],
    ['a backoff of the wrong kind', { backoff: 1_000 }, 'backoff'],
    ['a part of a backoff out of its limits', { backoff: { factor: 0 } }, 'backoff.factor'],
    ['no limit of a rate', { rateLimit: { limit: 0, perMs: 1_000 } }, '→ at rateLimit.limit'],
    ['a rate without time', { rateLimit: { limit: 5 } }, '→ at rateLimit.perMs'],
    ['a breaker that pauses for a moment', { circuitBreaker: { failures: 1, perMs: 1, pauseMs: 999 } }, 'pauseMs'],
    ['a breaker without failures', { circuitBreaker: { failures: 0, perMs: 1, pauseMs: 1_000 } }, 'failures'],
    ['another choice than the latest', { coalesce: 'first' }, '→ at coalesce'],
    ['no order in the log', { ordered: false, delivery: 'log' }, 'expected no `ordered: false`'],
    ['the latest without order', { ordered: false, coalesce: 'latest' }, 'expected no `coalesce`'],
    ['a key to hold without order', { ordered: false, onDead: 'block' }, "expected no `onDead: 'block'`"],
    ['a list of errors to retry', { isRetryable: [Error] }, 'expected a function (error) => boolean'],
    ['an option it does not know', { retries: 3 }, 'Unrecognized key: "retries"'],
    ['something else to call', { handle: 'sendMail' }, 'expected `handle` to be a function'],
    ['an interest that is none', { interested: true }, 'expected `interested` to be a function'],
    ['nothing to listen to', { on: [] }, '`on` is an empty list'],
  ])('%s', (_, wrong, says) => {
    const definition = { on: OrderCreated, handle() {}, ...wrong }

    const error = refusalOf(() => defineHandler('mail.receipt', definition as never))

    expect(error.code).toBe('POSTBUS_INVALID_HANDLER')
    expect(error.message).toContain('mail.receipt')
    expect(error.message).toContain(says)
  })

  test('a name that is not allowed', () => {
    const error = refusalOf(() => defineHandler('Mail', { on: OrderCreated, handle() {} }))

    expect(error.message).toContain('Handler name "Mail" is not allowed')
  })

  test('with every wrong option at once', () => {
    const error = refusalOf(() =>
      defineHandler('mail.receipt', { on: OrderCreated, handle() {}, priority: 10, maxAttempts: 0 }),
    )

    expect(error.message).toContain('→ at priority')
    expect(error.message).toContain('→ at maxAttempts')
  })
})
