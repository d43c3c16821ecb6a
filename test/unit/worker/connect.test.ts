import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { PostbusError } from '../../../src/errors.ts'
import { emitTo, type BusSignal } from '../../../src/signals.ts'
import { connectPatiently } from '../../../src/worker/connect.ts'

vi.mock('../../../src/clock.ts', () => import('../../support/global-clock.ts'))

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' })

describe('a database that answers', () => {
  test('is connected without a signal', async () => {
    const { connecting, signals } = connect(vi.fn<() => Promise<void>>(async () => undefined))

    await expect(connecting).resolves.toBe(true)

    expect(signals).toEqual([])
  })
})

describe('a database that is not there yet', () => {
  test('is tried until it is there, and both the wait and its end are reported', async () => {
    const prepare = vi.fn<() => Promise<void>>(async () => undefined)
    prepare.mockRejectedValueOnce(refused).mockRejectedValueOnce(refused)
    const { connecting, signals } = connect(prepare)

    await vi.runAllTimersAsync()

    await expect(connecting).resolves.toBe(true)
    expect(prepare).toHaveBeenCalledTimes(3)
    expect(signals.map(({ name, level, fields }) => [name, level, fields])).toEqual([
      ['database.unreachable', 'warn', { failures: 1 }],
      ['database.unreachable', 'warn', { failures: 2 }],
      ['database.reachable', 'info', {}],
    ])
  })

  test.each([
    [refused, 'ECONNREFUSED 127.0.0.1'],
    [new AggregateError([refused]), 'ECONNREFUSED 127.0.0.1'],
    [Object.assign(new Error(), { code: 'ETIMEDOUT' }), '(ETIMEDOUT)'],
    ['away', '(away)'],
  ])('is reported with the reason: %s', async (failure, says) => {
    const prepare = vi.fn<() => Promise<void>>(async () => undefined).mockRejectedValueOnce(failure)
    const { connecting, signals } = connect(prepare)

    await vi.runAllTimersAsync()
    await connecting

    expect(signals[0]?.message).toContain(says)
  })

  test('is not tried again after the worker was stopped', async () => {
    const prepare = vi.fn<() => Promise<void>>().mockRejectedValue(refused)
    const { connecting, unwanted } = connect(prepare)
    await vi.advanceTimersByTimeAsync(1)

    unwanted.abort()

    await expect(connecting).resolves.toBe(false)
    expect(prepare).toHaveBeenCalledOnce()
  })

  test('is not used if the worker was stopped while connecting', async () => {
    const unwanted = new AbortController()
    const prepare = async () => unwanted.abort()

    const connected = await connectPatiently(prepare, unwanted.signal, () => undefined)

    expect(connected).toBe(false)
  })
})

describe('a problem that waiting cannot solve', () => {
  test('is thrown at once if it is an error of ours', async () => {
    const failure = new PostbusError('POSTBUS_SCHEMA_MISSING', 'Run: npx postbus migrate')
    const prepare = vi.fn<() => Promise<void>>().mockRejectedValue(failure)

    const { connecting } = connect(prepare)

    await expect(connecting).rejects.toBe(failure)
    expect(prepare).toHaveBeenCalledOnce()
  })

  test.each(['28000', '28P01', '3D000', '42501'])('is reported at once, in words for an operator: %s', async (code) => {
    const cause = Object.assign(new Error('no entry'), { code })
    const prepare = vi.fn<() => Promise<void>>().mockRejectedValue(cause)

    const { connecting } = connect(prepare)

    await expect(connecting).rejects.toMatchObject({
      code: 'POSTBUS_DATABASE_UNREACHABLE',
      message: 'The database does not let us in: no entry. Check the connection string.',
      cause,
    })
    expect(prepare).toHaveBeenCalledOnce()
  })
})

function connect(prepare: () => Promise<void>) {
  const signals: BusSignal[] = []
  const unwanted = new AbortController()
  const connecting = connectPatiently(
    prepare,
    unwanted.signal,
    emitTo((signal) => signals.push(signal)),
  )
  connecting.catch(() => undefined) // the test handles the rejection after the timers have run
  return { connecting, signals, unwanted }
}
