import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent } from '../../../src/events/event.ts'
import { defineBatchHandler } from '../../../src/handlers/batch-handler.ts'
import { defineHandler, isHandler } from '../../../src/handlers/handler.ts'
import { createRegistry } from '../../../src/handlers/registry.ts'
import { refusalOf } from '../refusal.ts'

const OrderCreated = defineEvent('orders.order-created', { schema: z.string() })

describe('a batch handler', () => {
  test('is a handler with every option filled in, and with the size and time of its batches', () => {
    const handler = defineBatchHandler('audit.store', { on: OrderCreated, handle() {}, maxAttempts: 3 })

    expect(isHandler(handler)).toBe(true)
    expect(handler.batch).toEqual({ batchSize: 100, maxWaitMs: 100 })
    expect(handler.options).toMatchObject({ maxAttempts: 3, timeoutMs: 60_000, queue: 'events' })
    expect(defineHandler('mail.receipt', { on: OrderCreated, handle() {} }).batch).toBeNull()
  })

  test('is distinguished from another of the same name by the places of definition', () => {
    const one = defineBatchHandler('audit.store', { on: OrderCreated, handle() {} })
    const other = defineHandler('audit.store', { on: OrderCreated, handle() {} })

    expect(() => createRegistry([one, other])).toThrow(/batch-handler\.test\.ts[\s\S]*batch-handler\.test\.ts/)
  })

  test.each([
    [{ batchSize: 0 }, /batchSize/],
    [{ batchSize: 1_001 }, /batchSize/],
    [{ batchSize: 1.5 }, /batchSize/],
    [{ maxWaitMs: -1 }, /maxWaitMs/],
    [{ maxWaitMs: 60_001 }, /maxWaitMs/],
    [{ size: 5 }, /size/],
    [{ concurrency: { cluster: 2 } }, /no `concurrency.cluster`.*Use `perProcess`/],

    [{ runs: 'in-transaction' as const }, /no `runs`/],
    [{ coalesce: 'latest' as const }, /no `coalesce`/],
    [{ rateLimit: { limit: 5, perMs: 1_000 } }, /no `rateLimit`/],
    [{ circuitBreaker: { failures: 5, perMs: 1_000, pauseMs: 1_000 } }, /no `circuitBreaker`/],
    [{ handle: 'x' as never }, /`handle` to be a function/],
  ])('with %o is refused where it is defined', (options, message) => {
    const define = () => defineBatchHandler('audit.store', { on: OrderCreated, handle() {}, ...options } as never)

    expect(refusalOf(define)).toMatchObject({
      code: 'POSTBUS_INVALID_HANDLER',
      message: expect.stringMatching(message),
    })
  })
})

test('other handlers refuse the options of batches', () => {
  const define = () => defineHandler('mail.receipt', { on: OrderCreated, handle() {}, batchSize: 5 } as never)

  expect(refusalOf(define)).toMatchObject({ code: 'POSTBUS_INVALID_HANDLER' })
})
