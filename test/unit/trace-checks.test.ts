/** The checks of a trace accept good traces, and find every kind of violation. */
import { describe, expect, test } from 'vitest'
import { breaches, ghosts, inFlightAt, lost, needlessRepeats, overlaps, runsOf } from '../support/trace-checks.ts'
import type { TraceEntry, TraceStep } from '../support/trace.ts'

const invoice = 'invoice'

describe('runs', () => {
  test('match each start with its own end', () => {
    const trace = [step('start', 'a', 0), step('start', 'b', 10), step('end', 'a', 20), step('fail', 'b', 30)]

    const runs = runsOf(trace)

    expect(runs.map(({ eventId, from, to, ended }) => [eventId, from, to, ended])).toEqual([
      ['a', 0, 20, 'done'],
      ['b', 10, 30, 'failed'],
    ])
  })

  test('that never ended have no end, even if they were aborted', () => {
    const runs = runsOf([step('start', 'a', 0), step('aborted', 'a', 10)])

    expect(runs).toEqual([expect.objectContaining({ to: null, ended: 'never' })])
  })
})

describe('no loss', () => {
  test('holds when every event was handled or is a dead letter', () => {
    const trace = [step('start', 'a', 0), step('end', 'a', 10), step('start', 'b', 0), step('fail', 'b', 10)]

    expect(lost([wanted('a'), wanted('b')], trace, [wanted('b')])).toEqual([])
  })

  test('is broken by an event that no handler ran, that failed for good, or that only another handler ran', () => {
    const trace = [
      step('start', 'failed', 0),
      step('fail', 'failed', 10),
      step('start', 'unended', 0),
      { ...step('start', 'elsewhere', 0), handler: 'email' },
      { ...step('end', 'elsewhere', 10), handler: 'email' },
    ]

    const problems = lost([wanted('nobody'), wanted('failed'), wanted('unended'), wanted('elsewhere')], trace)

    expect(problems).toEqual([
      'invoice for nobody was lost',
      'invoice for failed was lost',
      'invoice for unended was lost',
      'invoice for elsewhere was lost',
    ])
  })
})

describe('no needless repeat', () => {
  const twice = [
    step('start', 'a', 0),
    step('end', 'a', 100),
    { ...step('start', 'a', 5_000), pid: 2, attempt: 2 },
    { ...step('end', 'a', 5_100), pid: 2, attempt: 2 },
  ]

  test('holds for a retry after a failure', () => {
    const trace = [step('start', 'a', 0), step('fail', 'a', 10), step('start', 'a', 20, 2), step('end', 'a', 30, 2)]

    expect(needlessRepeats(trace)).toEqual([])
  })

  test('holds for a run that was in flight when its process was killed, or had just ended', () => {
    const unended = twice.filter((entry) => entry.at !== 100)

    expect(needlessRepeats(unended, [{ pid: 1, from: 3_000 }])).toEqual([])
    expect(needlessRepeats(twice, [{ pid: 1, from: 900 }])).toEqual([])
  })

  test('is broken by a repeat without a kill, long before the kill, after a pause, or with a kill of another process', () => {
    const problem = [
      expect.stringContaining('invoice for a ran again though attempt 1 of process 1 was not interrupted'),
    ]

    expect(needlessRepeats(twice)).toEqual(problem)
    expect(needlessRepeats(twice, [{ pid: 1, from: 1_200 }])).toEqual(problem)
    expect(needlessRepeats(twice, [{ pid: 1, from: -90, to: -10 }])).toEqual(problem)
    expect(needlessRepeats(twice, [{ pid: 3, from: 50 }])).toEqual(problem)
  })

  test('is broken by a repeat of an event that the killed process no longer held', () => {
    expect(needlessRepeats(twice, [{ pid: 1, from: 100, holding: new Set(['a']) }])).toEqual([])
    expect(needlessRepeats(twice, [{ pid: 1, from: 100, holding: new Set(['b']) }])).toHaveLength(1)
    expect(needlessRepeats(twice, [{ pid: 1, from: 60_000, holding: new Set(['a']) }])).toEqual([])
  })

  test('holds for a resumed process that begins an event which another process has taken over and done', () => {
    const takenOver = [step('start', 'a', 0, 2), step('end', 'a', 10, 2)].map((entry) => ({ ...entry, pid: 2 }))
    const awake = [step('start', 'a', 3_000), step('end', 'a', 3_010)]

    expect(needlessRepeats([...takenOver, ...awake], [{ pid: 1, from: -9_000, to: 4_000 }])).toEqual([])
    expect(needlessRepeats([...takenOver, ...awake])).toHaveLength(1)
  })

  test('counts the runs in flight at a kill', () => {
    const trace = [step('start', 'a', 0), step('start', 'b', 0), step('end', 'b', 10), step('start', 'c', 5_000)]

    expect(inFlightAt(trace, { pid: 1, from: 4_000, to: 4_000 })).toBe(1)
  })
})

describe('no overlap in a lane', () => {
  test('holds for runs one after the other, and for other lanes at the same time', () => {
    const trace = [
      keyed('start', 'a', 0, 'red'),
      keyed('start', 'b', 5, 'blue'),
      keyed('end', 'a', 10, 'red'),
      keyed('start', 'c', 10, 'red'),
      keyed('end', 'c', 20, 'red'),
      keyed('end', 'b', 30, 'blue'),
    ]

    expect(overlaps(trace)).toEqual([])
  })

  test('holds without keys, for any runs at the same time', () => {
    expect(overlaps([step('start', 'a', 0), step('start', 'b', 1), step('end', 'a', 2)])).toEqual([])
  })

  test('is broken by two runs of a key at once', () => {
    const trace = [keyed('start', 'a', 0, 'red'), keyed('start', 'b', 9, 'red'), keyed('end', 'a', 10, 'red')]

    expect(overlaps(trace)).toEqual(['lane invoice red: b started while a was running'])
  })

  test('ends the run of a killed process with the process, and not before', () => {
    const trace = [keyed('start', 'a', 0, 'red'), { ...keyed('start', 'b', 100, 'red'), pid: 2 }]

    expect(overlaps(trace, [{ pid: 1, from: 90 }])).toEqual([])
    expect(overlaps(trace, [{ pid: 1, from: 110 }])).toHaveLength(1)
    expect(overlaps(trace)).toHaveLength(1)
  })

  test('ignores a run from the moment when its process lost its claims', () => {
    const trace = [
      keyed('start', 'a', 0, 'red'),
      { ...keyed('start', 'a', 100, 'red'), pid: 2 },
      keyed('end', 'a', 110, 'red'),
    ]

    expect(overlaps(trace, [{ pid: 1, from: 50, to: 105 }])).toEqual([])
    expect(overlaps(trace, [{ pid: 3, from: 50, to: 105 }])).toHaveLength(1)
  })
})

describe('nothing that was not committed', () => {
  test('is allowed to run', () => {
    const trace = [step('start', 'a', 0), step('start', 'b', 0), step('end', 'b', 1)]

    expect(ghosts(trace, new Set(['a', 'b']))).toEqual([])
    expect(ghosts(trace, new Set(['a']))).toEqual(['b ran, and was never committed'])
  })
})

describe('atomicity', () => {
  test('holds when rows, events and deliveries agree', () => {
    expect(breaches(['a', 'b'], ['b', 'a'], ['a', 'a', 'b'])).toEqual([])
  })

  test('is broken by a row, event or delivery without its counterparts', () => {
    expect(breaches(['row', 'both'], ['event', 'both'], ['delivery', 'both'])).toEqual([
      'row: its row was committed without its event',
      'event: its event was committed without its row',
      'event: its event was committed without its delivery',
      'delivery: its delivery was committed without its event',
    ])
  })
})

function wanted(eventId: string) {
  return { handler: invoice, eventId }
}

function step(what: TraceStep, eventId: string, at: number, attempt = 1): TraceEntry {
  return { handler: invoice, eventId, key: null, attempt, pid: 1, step: what, reason: null, at }
}

function keyed(what: TraceStep, eventId: string, at: number, key: string): TraceEntry {
  return { ...step(what, eventId, at), key }
}
