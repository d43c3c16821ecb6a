import { afterEach, describe, expect, test, vi } from 'vitest'
import { isEventId, newEventId } from '../../../src/events/event-id.ts'

vi.mock('../../../src/clock.ts', () => import('../../support/global-clock.ts'))

afterEach(() => vi.restoreAllMocks())

describe('a new event id', () => {
  test('is a UUID of version 7 and of the variant of the RFC', () => {
    const id = newEventId()

    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(isEventId(id)).toBe(true)
  })

  test('begins with the millisecond of its creation', () => {
    const before = Date.now()

    const id = newEventId()

    expect(timeOf(id)).toBeGreaterThanOrEqual(before)
    expect(timeOf(id)).toBeLessThanOrEqual(Date.now())
  })

  test('is larger than all ids before it, 100,000 times in a row', () => {
    const ids = Array.from({ length: 100_000 }, () => newEventId())

    const outOfOrder = ids.findIndex((id, index) => index > 0 && id <= (ids[index - 1] ?? ''))

    expect(outOfOrder).toBe(-1)
  })

  test('is larger than the one before in the same millisecond', () => {
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_000)

    const ids = Array.from({ length: 1_000 }, () => newEventId())

    expect(ids.map(timeOf).every((ms) => ms === Date.now())).toBe(true)
    expect(ids).toEqual([...new Set(ids)].toSorted())
  })

  test('is larger than the one before when the clock steps back', () => {
    const future = Date.now() + 3_600_000
    const clock = vi.spyOn(Date, 'now').mockReturnValue(future)
    const before = newEventId()
    clock.mockReturnValue(future - 3_600_000)

    const ids = [newEventId(), newEventId()]

    expect([before, ...ids]).toEqual([before, ...ids].toSorted())
    expect(ids.map(timeOf)).toEqual([future, future])
  })

  test('cannot be guessed from an id of another millisecond', () => {
    const clock = vi.spyOn(Date, 'now')
    const start = Date.now() + 7_200_000

    const tails = [1, 2, 3].map((step) => {
      clock.mockReturnValue(start + step)
      return newEventId().slice(14)
    })

    expect(new Set(tails).size).toBe(3)
  })

  test('has a random counter with its highest bit free, so that counting up cannot overflow', () => {
    const clock = vi.spyOn(Date, 'now')
    const start = Date.now() + 10_000_000

    const ids = Array.from({ length: 64 }, (_, step) => {
      clock.mockReturnValue(start + step)
      return newEventId()
    })

    const highest = ids.map((id) => Number.parseInt(id.slice(15, 16), 16))
    expect(highest.every((digit) => digit < 8)).toBe(true)
    expect(highest.some((digit) => digit >= 4)).toBe(true)
  })
})

describe('an event id from elsewhere', () => {
  test.each(['00000000-0000-0000-0000-000000000000', 'F47AC10B-58CC-4372-A567-0E02B2C3D479'])(
    'may be a UUID of any version and case: %s',
    (id) => {
      expect(isEventId(id)).toBe(true)
    },
  )

  test.each([
    '',
    'f47ac10b58cc4372a5670e02b2c3d479',
    'f47ac10b-58cc-4372-a567-0e02b2c3d47',
    'f47ac10b-58cc-4372-a567-0e02b2c3d4790',
    'g47ac10b-58cc-4372-a567-0e02b2c3d479',
    ' f47ac10b-58cc-4372-a567-0e02b2c3d479',
  ])('is invalid: %j', (text) => {
    expect(isEventId(text)).toBe(false)
  })
})

function timeOf(id: string): number {
  return Number.parseInt(id.slice(0, 13).replace('-', ''), 16)
}
