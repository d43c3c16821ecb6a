import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Gate } from '../../../src/worker/gate.ts'

vi.mock('../../../src/clock.ts', () => import('../../support/global-clock.ts'))

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('a gate', () => {
  test('lets its waiter through when it is opened', async () => {
    const gate = new Gate()
    const passed = passing(gate)

    gate.open()
    await vi.advanceTimersByTimeAsync(0)

    expect(passed).toHaveBeenCalledOnce()
  })

  test('holds its waiter until the time limit, and not a moment less', async () => {
    const gate = new Gate()
    const passed = passing(gate)

    await vi.advanceTimersByTimeAsync(999)
    const before = passed.mock.calls.length
    await vi.advanceTimersByTimeAsync(1)

    expect([before, passed.mock.calls.length]).toEqual([0, 1])
  })

  test('that was opened without a waiter lets the next one through at once, and is then closed again', async () => {
    const gate = new Gate()
    gate.open()
    gate.open()

    const [first, second] = [passing(gate), passing(gate)]
    await vi.advanceTimersByTimeAsync(0)

    expect(first).toHaveBeenCalledOnce()
    expect(second).not.toHaveBeenCalled()
  })

  test('that let its waiter through is closed for the next one', async () => {
    const gate = new Gate()
    passing(gate)
    gate.open()

    const next = passing(gate)
    await vi.advanceTimersByTimeAsync(0)

    expect(next).not.toHaveBeenCalled()
  })

  test('that was opened after its waiter had left lets the next one through', async () => {
    const gate = new Gate()
    passing(gate)
    await vi.advanceTimersByTimeAsync(1_000)

    gate.open()
    const next = passing(gate)
    await vi.advanceTimersByTimeAsync(0)

    expect(next).toHaveBeenCalledOnce()
  })

  test('leaves no timer behind for a waiter that it let through', () => {
    const gate = new Gate()
    passing(gate)

    gate.open()

    expect(vi.getTimerCount()).toBe(0)
  })
})

/** Waits at the gate for up to a second. Calls the returned mock when the wait is over. */
function passing(gate: Gate) {
  const passed = vi.fn<() => void>()
  void gate.wait(1_000).then(passed)
  return passed
}
