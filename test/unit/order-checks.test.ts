/** The checks of order accept good traces, and find every kind of violation. */
import { describe, expect, test } from 'vitest'
import { outOfOrder, overtaken, stuck, type PublishedTurn } from '../support/order-checks.ts'
import type { TraceEntry, TraceStep } from '../support/trace.ts'

const published = [turn('a', 1), turn('b', 2), turn('c', 3)]

describe('order in a lane', () => {
  test('holds when first attempts begin in the order of the lock, at any order of other keys and handlers', () => {
    const trace = [
      ...run('a', 0),
      ...run('x', 5, { key: 'blue' }),
      ...run('a', 7, { handler: 'email' }),
      ...run('b', 10),
      ...run('c', 20),
    ]

    expect(outOfOrder([...published, { eventId: 'x', key: 'blue', turn: 1 }], trace)).toEqual([])
    expect(overtaken(published, trace)).toEqual([])
  })

  test('is broken by a later turn that begins first', () => {
    const trace = [...run('b', 0), ...run('a', 10), ...run('c', 20)]

    expect(outOfOrder(published, trace)).toEqual(['lane invoice red: turn 2 began before turn 1'])
  })

  test('is checked in the order of the lock, not of the list, and also for a turn that never began', () => {
    const trace = [...run('c', 0), ...run('a', 10)]

    expect(outOfOrder(published.toReversed(), trace)).toEqual(['lane invoice red: turn 3 began before turn 1'])
  })

  test('is not checked for events that were published without the lock', () => {
    const trace = [...run('b', 0), ...run('a', 10)]

    expect(outOfOrder([turn('a', 1), { ...turn('b', 2), turn: null }], trace)).toEqual([])
  })
})

describe('a place in the lane', () => {
  test('is kept through failures, and through the death of a process', () => {
    const trace = [
      ...run('a', 0, { ends: 'fail' }),
      step('start', 'a', 100, 2), // killed
      ...run('a', 10_000, { attempt: 3 }),
      ...run('b', 10_010),
    ]

    expect(overtaken(published, trace)).toEqual([])
  })

  test('is lost when another delivery overtakes a retry', () => {
    const trace = [...run('a', 0, { ends: 'fail' }), ...run('b', 10), ...run('a', 100, { attempt: 2 })]

    expect(overtaken(published, trace)).toEqual(['lane invoice red: turn 2 began while turn 1 was unfinished'])
  })

  test('is lost when a delivery never ended, ended too late, or runs again after its successor has begun', () => {
    const unended = [step('start', 'a', 0), ...run('b', 10)]
    const late = [step('start', 'a', 0), step('start', 'b', 5), step('end', 'a', 6), step('end', 'b', 9)]
    const again = [...run('a', 0), ...run('b', 10), ...run('a', 20, { attempt: 2 })]

    for (const trace of [unended, late, again]) expect(overtaken(published, trace)).toHaveLength(1)
  })

  test('is kept when a killed process has settled neither a delivery nor its successor, and both are repeated in order', () => {
    const first = [...run('a', 0), ...run('b', 10)]
    const inOrder = [...first, ...run('a', 1_000, { attempt: 2 }), ...run('b', 1_010)]
    const onlyOne = [...first, ...run('a', 1_000, { attempt: 2 })]
    const kill = { pid: first[0]!.pid, from: 15 }

    expect(overtaken(published, inOrder, [], [kill])).toEqual([])
    expect(overtaken(published, inOrder)).toHaveLength(1)
    expect(overtaken(published, onlyOne, [], [kill])).toHaveLength(1)
  })

  test('is kept when a process lost a group of events that it had read, and all are repeated in order', () => {
    const first = [...run('a', 0), ...run('b', 10)]
    const repeated = [...first, ...run('a', 1_000), ...run('b', 1_010)]
    const loss = { pid: first[0]!.pid, from: 15, to: 20 }

    expect(overtaken(published, repeated, [], [loss])).toEqual([])
    expect(overtaken(published, repeated, [], [{ ...loss, handlers: ['email'] }])).toHaveLength(1)
    expect(overtaken(published, repeated, [], [{ ...loss, from: 5_000, to: 6_000 }])).toHaveLength(1)
  })

  test('is given up when a delivery is dead, but only after its last attempt has ended', () => {
    const trace = [...run('a', 0, { ends: 'fail' }), ...run('b', 10)]

    expect(overtaken(published, trace, [{ handler: 'invoice', eventId: 'a' }])).toEqual([])
    expect(overtaken(published, trace, [{ handler: 'email', eventId: 'a' }])).toHaveLength(1)
    expect(overtaken(published, [...trace, ...run('a', 20)], [{ handler: 'invoice', eventId: 'a' }])).toHaveLength(1)
  })
})

test('a delivery that is still alive at the end is stuck', () => {
  const lane = 'invoice:red'

  expect(stuck([])).toEqual([])
  expect(
    stuck([
      { lane, eventId: 'a', state: 'created', blocked: true },
      { lane, eventId: 'b', state: 'active', blocked: false },
    ]),
  ).toEqual(['lane invoice:red: a is stuck, parked', 'lane invoice:red: b is stuck, active'])
})

function turn(eventId: string, number: number): PublishedTurn {
  return { eventId, key: 'red', turn: number }
}

interface RunOptions {
  readonly key?: string
  readonly handler?: string
  readonly attempt?: number
  readonly ends?: TraceStep
}

/** A run of 5 ms. */
function run(eventId: string, at: number, { attempt = 1, ends = 'end', ...who }: RunOptions = {}): TraceEntry[] {
  return [step('start', eventId, at, attempt), step(ends, eventId, at + 5, attempt)].map((one) => ({ ...one, ...who }))
}

function step(what: TraceStep, eventId: string, at: number, attempt = 1): TraceEntry {
  return { handler: 'invoice', eventId, key: 'red', attempt, pid: 1, step: what, reason: null, at }
}
