import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { PostbusError } from '../../../src/errors.ts'
import { underDeadline } from '../../../src/attempt/deadline.ts'
import { rejectionOf } from '../refusal.ts'

vi.mock('../../../src/clock.ts', () => import('../../support/global-clock.ts'))

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('a handler that is in time', () => {
  test('answers what it returns, and its signal is not aborted', async () => {
    const { abort, running } = start(async () => 'sent')

    await expect(running).resolves.toBe('sent')

    vi.advanceTimersByTime(60_000)
    expect(abort.signal.aborted).toBe(false)
  })

  test('throws what it throws', async () => {
    const error = new Error('card declined')

    const { running } = start(() => Promise.reject(error))

    await expect(running).rejects.toBe(error)
  })

  test('leaves no timer behind', async () => {
    const { running } = start(async () => 'sent')

    await running

    expect(vi.getTimerCount()).toBe(0)
  })

  test('is not called overdue, even when it took up to its last millisecond', async () => {
    const { onOverdue, running, handler } = start()
    vi.advanceTimersByTime(999)

    handler.resolve('sent')

    await expect(running).resolves.toBe('sent')
    vi.advanceTimersByTime(60_000)
    expect(onOverdue).not.toHaveBeenCalled()
  })
})

describe('a handler that takes longer than its time', () => {
  test('has its signal aborted with the reason', () => {
    const { abort } = start()

    vi.advanceTimersByTime(1_000)

    expect(abort.signal.reason).toMatchObject({
      code: 'POSTBUS_HANDLER_TIMEOUT',
      message: 'Handler "mail.receipt" took longer than 1000 ms.',
    })
  })

  test('is waited for all the same, so that it cannot overlap with its next attempt', async () => {
    const { running } = start()
    const settled = vi.fn<() => void>()
    void running.then(settled, settled)

    await vi.advanceTimersByTimeAsync(3_600_000)

    expect(settled).not.toHaveBeenCalled()
  })

  test('has failed, even if it then returns', async () => {
    const { running, handler } = start()
    vi.advanceTimersByTime(1_000)

    handler.resolve('sent')

    const error = await rejectionOf(running)
    expect(error.code).toBe('POSTBUS_HANDLER_TIMEOUT')
  })

  test('has failed with what it then throws as the cause', async () => {
    const { running, handler } = start()
    const cause = new Error('aborted by fetch')
    vi.advanceTimersByTime(1_000)

    handler.reject(cause)

    const error = await rejectionOf(running)
    expect(error).toMatchObject({ code: 'POSTBUS_HANDLER_TIMEOUT', cause })
  })

  test('has failed without a cause if it throws the reason of its signal', async () => {
    const { running, handler, abort } = start()
    vi.advanceTimersByTime(1_000)

    handler.reject(abort.signal.reason)

    const error = await rejectionOf(running)
    expect(error).toBe(abort.signal.reason)
    expect(error.cause).toBeUndefined()
  })
})

describe('a handler that ignores its signal', () => {
  test('is reported once, five seconds after its time was over', () => {
    const { onOverdue } = start()

    vi.advanceTimersByTime(5_999)
    const before = onOverdue.mock.calls.length
    vi.advanceTimersByTime(1)
    const after = onOverdue.mock.calls.length
    vi.advanceTimersByTime(3_600_000)

    expect([before, after, onOverdue.mock.calls.length]).toEqual([0, 1, 1])
  })

  test('is not reported if it ends within those five seconds', async () => {
    const { onOverdue, running, handler } = start()
    vi.advanceTimersByTime(5_999)

    handler.resolve('sent')
    await rejectionOf(running)
    vi.advanceTimersByTime(60_000)

    expect(onOverdue).not.toHaveBeenCalled()
  })
})

describe('a handler whose signal was aborted for another reason', () => {
  test('is believed, also when its time ends afterwards', async () => {
    const { running, handler, abort } = start()
    const reason = new PostbusError('POSTBUS_CLOSED', 'The worker is stopping.')
    abort.abort(reason)
    vi.advanceTimersByTime(1_000)

    handler.resolve('sent')

    await expect(running).resolves.toBe('sent')
    expect(abort.signal.reason).toBe(reason)
  })
})

/** Runs a handler with a second of time. Without `work` it runs until the test ends it. */
function start(work?: () => Promise<unknown>) {
  const abort = new AbortController()
  const onOverdue = vi.fn<() => void>()
  const handler = Promise.withResolvers<unknown>()
  const running = underDeadline({ timeoutMs: 1_000, abort, onOverdue }, 'mail.receipt', work ?? (() => handler.promise))
  return { abort, onOverdue, handler, running }
}
