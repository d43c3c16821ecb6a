import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { PostbusError } from '../../../src/errors.ts'
import { callHandler } from '../../../src/attempt/call-handler.ts'
import type { Answer } from '../../../src/attempt/handler-call.ts'
import { Deadlines } from '../../../src/attempt/deadlines.ts'
import { defineHandler } from '../../../src/handlers/handler.ts'
import type { Emit } from '../../../src/signals.ts'
import { NO_HOOKS } from '../../../src/middleware/hooks.ts'
import { rejectionOf } from '../refusal.ts'
import { delivery, event, OrderCreated } from './an-attempt.ts'

vi.mock('../../../src/clock.ts', () => import('../../support/global-clock.ts'))

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('a handler that ends in time', () => {
  test('returns its result, and its signal is not aborted', async () => {
    const { abort, running } = start(async () => 'sent')

    await expect(running).resolves.toBe('sent')

    vi.advanceTimersByTime(60_000)
    expect(abort.signal.aborted).toBe(false)
  })

  test('throws its own error', async () => {
    const error = new Error('card declined')

    const { running } = start(() => Promise.reject(error))

    await expect(running).rejects.toBe(error)
  })

  test('leaves no timer behind', async () => {
    const { running } = start(async () => 'sent')

    await running

    expect(vi.getTimerCount()).toBe(0)
  })

  test('is not reported as overdue, even if it ends in its last millisecond', async () => {
    const { onOverdue, running, handler } = start()
    vi.advanceTimersByTime(999)

    handler.resolve('sent')

    await expect(running).resolves.toBe('sent')
    vi.advanceTimersByTime(60_000)
    expect(onOverdue).not.toHaveBeenCalled()
  })
})

describe('a handler that exceeds its time limit', () => {
  test('has its signal aborted with the reason', () => {
    const { abort } = start()

    vi.advanceTimersByTime(1_000)

    expect(abort.signal.reason).toMatchObject({
      code: 'POSTBUS_HANDLER_TIMEOUT',
      message: 'Handler "mail.receipt" took longer than 1000 ms.',
    })
  })

  test('is still awaited, so that it cannot overlap with its next attempt', async () => {
    const { running } = start()
    const settled = vi.fn<() => void>()
    void running.then(settled, settled)

    await vi.advanceTimersByTimeAsync(3_600_000)

    expect(settled).not.toHaveBeenCalled()
  })

  test('fails, even if it then returns', async () => {
    const { running, handler } = start()
    vi.advanceTimersByTime(1_000)

    handler.resolve('sent')

    const error = await rejectionOf(running)
    expect(error.code).toBe('POSTBUS_HANDLER_TIMEOUT')
  })

  test('fails with the error that it then throws as the cause', async () => {
    const { running, handler } = start()
    const cause = new Error('aborted by fetch')
    vi.advanceTimersByTime(1_000)

    handler.reject(cause)

    const error = await rejectionOf(running)
    expect(error).toMatchObject({ code: 'POSTBUS_HANDLER_TIMEOUT', cause })
  })

  test('fails without a cause if it throws the reason of its signal', async () => {
    const { running, handler, abort } = start()
    vi.advanceTimersByTime(1_000)

    handler.reject(abort.signal.reason)

    const error = await rejectionOf(running)
    expect(error).toBe(abort.signal.reason)
    expect(error.cause).toBeUndefined()
  })
})

describe('a handler that ignores its signal', () => {
  test('is reported once, five seconds after its time limit', () => {
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
  test('keeps its own result, even if its time limit passes afterwards', async () => {
    const { running, handler, abort } = start()
    const reason = new PostbusError('POSTBUS_CLOSED', 'The worker is stopping.')
    abort.abort(reason)
    vi.advanceTimersByTime(1_000)

    handler.resolve('sent')

    await expect(running).resolves.toBe('sent')
    expect(abort.signal.reason).toBe(reason)
  })
})

describe('handlers that run at the same time', () => {
  test('share one timer if they have the same limit, and each has its own deadline', async () => {
    const deadlines = new Deadlines()
    const first = start(undefined, { deadlines })
    vi.advanceTimersByTime(300)
    const [second, third] = [start(undefined, { deadlines }), start(undefined, { deadlines })]
    expect(vi.getTimerCount()).toBe(1)
    second.handler.resolve('sent')
    await second.running

    const aborted = () => [first, second, third].map(({ abort }) => abort.signal.aborted)
    vi.advanceTimersByTime(699)
    expect(aborted()).toEqual([false, false, false])
    vi.advanceTimersByTime(1)
    expect(aborted()).toEqual([true, false, false])
    vi.advanceTimersByTime(299)
    expect(aborted()).toEqual([true, false, false])
    vi.advanceTimersByTime(1)
    expect(aborted()).toEqual([true, false, true])
  })

  test('do not wait for each other if they have different limits', () => {
    const deadlines = new Deadlines()
    const long = start(undefined, { deadlines, timeoutMs: 60_000 })
    const short = start(undefined, { deadlines, timeoutMs: 10 })

    vi.advanceTimersByTime(10)
    expect([long.abort.signal.aborted, short.abort.signal.aborted]).toEqual([false, true])
    vi.advanceTimersByTime(59_990)
    expect(long.abort.signal.aborted).toBe(true)
  })

  test('leave no timer behind when the last one has returned', async () => {
    const deadlines = new Deadlines()
    const all = [start(undefined, { deadlines }), start(undefined, { deadlines })]
    vi.advanceTimersByTime(500)

    for (const { handler } of all) handler.resolve('sent')
    await Promise.all(all.map(({ running }) => running))

    expect(vi.getTimerCount()).toBe(0)
  })

  test('keep their own deadlines when one starts at the deadline of another', () => {
    const deadlines = new Deadlines()
    const first = start(undefined, { deadlines })
    vi.advanceTimersByTime(100)
    const second = start(undefined, { deadlines })
    const started: ReturnType<typeof start>[] = []
    first.abort.signal.addEventListener('abort', () => void started.push(start(undefined, { deadlines })))

    vi.advanceTimersByTime(900)
    expect([started.length, second.abort.signal.aborted]).toEqual([1, false])
    vi.advanceTimersByTime(100)
    expect([second.abort.signal.aborted, started[0]?.abort.signal.aborted]).toEqual([true, false])
    vi.advanceTimersByTime(900)
    expect(started[0]?.abort.signal.aborted).toBe(true)
  })
})

interface Given {
  readonly deadlines?: Deadlines
  readonly timeoutMs?: number
}

/** Runs a handler with a time limit of one second. Without `work` it runs until the test ends it. */
function start(work?: () => Promise<unknown>, { deadlines = new Deadlines(), timeoutMs = 1_000 }: Given = {}) {
  const abort = new AbortController()
  const onOverdue = vi.fn<() => void>()
  const handler = Promise.withResolvers<unknown>()
  const handle = work ?? (() => handler.promise)
  const call = {
    delivery,
    event,
    abort,
    handler: defineHandler('mail.receipt', { on: OrderCreated, handle, timeoutMs }),
  }
  const emit: Emit = (_, name) => void (name === 'attempt.overdue' && onOverdue())
  const answer = callHandler(call, { deadlines, emit, middleware: NO_HOOKS, publish: async () => ({ events: [] }) })
  return { abort, onOverdue, handler, running: valueOf(answer) }
}

async function valueOf(answer: Answer | Promise<Answer>): Promise<unknown> {
  const answered = await answer
  if (answered.threw) throw answered.error
  return answered.value
}
