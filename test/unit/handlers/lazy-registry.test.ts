import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { defineEvent } from '../../../src/events/event.ts'
import { defineHandler } from '../../../src/handlers/handler.ts'
import { lazyRegistry } from '../../../src/handlers/lazy-registry.ts'
import type { HandlerSet } from '../../../src/handlers/registry.ts'
import { refusalOf, rejectionOf } from '../refusal.ts'

const receipt = defineHandler('mail.receipt', {
  on: defineEvent('orders.order-created', { schema: z.string() }),
  handle() {},
})

describe('handlers that are given directly', () => {
  test('are available at once', async () => {
    const lazy = lazyRegistry([receipt])

    const registry = lazy.loaded()

    expect(registry?.handlers).toEqual([receipt])
    await expect(lazy.load()).resolves.toBe(registry)
  })

  test('are refused at once when they are invalid', () => {
    const error = refusalOf(() => lazyRegistry(['mail.receipt'] as never))

    expect(error.code).toBe('POSTBUS_INVALID_HANDLER')
  })
})

describe('handlers that are imported', () => {
  test('are not imported before they are first needed', () => {
    const source = vi.fn<() => HandlerSet>()

    const lazy = lazyRegistry(source)

    expect(lazy.loaded()).toBeNull()
    expect(source).not.toHaveBeenCalled()
  })

  test('are available afterwards', async () => {
    const lazy = lazyRegistry(async () => ({ receipt }))

    const registry = await lazy.load()

    expect(registry.handlers).toEqual([receipt])
    expect(lazy.loaded()).toBe(registry)
  })

  test('can also come from a synchronous function', async () => {
    const lazy = lazyRegistry(() => [receipt])

    const registry = await lazy.load()

    expect(registry.handlers).toEqual([receipt])
  })

  test('are imported once for all who need them, at the same time and later', async () => {
    const source = vi.fn<() => Promise<HandlerSet>>(async () => [receipt])
    const lazy = lazyRegistry(source)

    const [one, other] = await Promise.all([lazy.load(), lazy.load()])
    const later = await lazy.load()

    expect(source).toHaveBeenCalledOnce()
    expect(other).toBe(one)
    expect(later).toBe(one)
  })

  test('are imported again after a failed import, and everyone who waited gets the error', async () => {
    const failure = new Error('syntax error')
    const source = vi.fn<() => Promise<HandlerSet>>(async () => [receipt])
    source.mockRejectedValueOnce(failure)
    const lazy = lazyRegistry(source)

    const failed = await Promise.allSettled([lazy.load(), lazy.load()])
    const registry = await lazy.load()

    expect(failed).toEqual([
      { status: 'rejected', reason: failure },
      { status: 'rejected', reason: failure },
    ])
    expect(source).toHaveBeenCalledTimes(2)
    expect(registry.handlers).toEqual([receipt])
  })

  test('are refused when they are invalid, and count as not imported', async () => {
    const lazy = lazyRegistry(async () => ({ receipt: 'mail.receipt' }))

    const error = await rejectionOf(lazy.load())

    expect(error.code).toBe('POSTBUS_INVALID_HANDLER')
    expect(lazy.loaded()).toBeNull()
  })
})
