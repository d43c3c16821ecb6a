/**
 * Judges the order in a trace: did the deliveries of each lane begin in the order in which their publishers held the
 * key's row lock, each after the one before it was finished? And did a lane stop for no reason? Pure functions that
 * return what is wrong, in words. An empty list means that the promise was kept.
 */
import type { TraceEntry } from './trace.ts'
import { hit, runsOf, type Expected, type Interruption, type Run } from './trace-checks.ts'

/** One event that a publisher has committed. */
export interface PublishedTurn {
  readonly eventId: string
  readonly key: string
  /** Counted under the key's row lock. Null if it was published without the lock: then its place in the order is undefined. */
  readonly turn: number | null
}

interface Place {
  readonly lane: string
  readonly turn: number
  readonly runs: readonly Run[]
  readonly isDead: boolean
}

/** First attempts of a lane begin in the order of their turns. */
export function outOfOrder(
  published: readonly PublishedTurn[],
  trace: readonly TraceEntry[],
  dead: readonly Expected[] = [],
): readonly string[] {
  return neighbours(placesOf(published, trace, dead))
    .filter(([earlier, later]) => beganAt(later) <= beganAt(earlier))
    .map(([earlier, later]) => `lane ${later.lane}: turn ${later.turn} began before turn ${earlier.turn}`)
}

/**
 * A delivery keeps its place until it is finished, however often it fails: no later delivery of its lane begins before. What a killed
 * process had not settled is repeated, in order.
 */
export function overtaken(
  published: readonly PublishedTurn[],
  trace: readonly TraceEntry[],
  dead: readonly Expected[] = [],
  interruptions: readonly Interruption[] = [],
): readonly string[] {
  return neighbours(placesOf(published, trace, dead))
    .filter(
      ([earlier, later]) =>
        beganAt(later) > beganAt(earlier) &&
        !isFinishedBy(beganAt(later), earlier) &&
        !areRepeated(earlier, later, interruptions),
    )
    .map(([earlier, later]) => `lane ${later.lane}: turn ${later.turn} began while turn ${earlier.turn} was unfinished`)
}

export interface LiveDelivery {
  readonly lane: string
  readonly eventId: string
  readonly state: string
  readonly blocked: boolean
}

/** When nothing is left to do, nothing may be waiting. */
export function stuck(live: readonly LiveDelivery[]): readonly string[] {
  return live.map(
    ({ lane, eventId, state, blocked }) => `lane ${lane}: ${eventId} is stuck, ${blocked ? 'parked' : state}`,
  )
}

/** Each lane's deliveries that were published under the lock and have begun, in the order of their turns. */
function placesOf(
  published: readonly PublishedTurn[],
  trace: readonly TraceEntry[],
  dead: readonly Expected[],
): readonly (readonly Place[])[] {
  const turns = new Map(published.map(({ eventId, turn }) => [eventId, turn]))
  const graves = new Set(dead.map(({ handler, eventId }) => `${handler} ${eventId}`))
  const runs = runsOf(trace).filter(({ eventId }) => typeof turns.get(eventId) === 'number')
  const lanes = Map.groupBy(runs, ({ handler, key }) => `${handler} ${key}`)
  return Array.from(lanes, ([lane, ofLane]) =>
    Array.from(
      Map.groupBy(ofLane, ({ eventId }) => eventId),
      ([eventId, ofEvent]): Place => ({
        lane,
        turn: turns.get(eventId) ?? 0,
        runs: ofEvent,
        isDead: ofEvent.some(({ handler }) => graves.has(`${handler} ${eventId}`)),
      }),
    ).toSorted((one, other) => one.turn - other.turn),
  )
}

function neighbours(lanes: readonly (readonly Place[])[]): readonly (readonly [Place, Place])[] {
  return lanes.flatMap((places) => places.slice(1).map((later, index) => [places[index] as Place, later] as const))
}

function beganAt({ runs }: Place): number {
  return Math.min(...runs.map(({ from }) => from))
}

/** Both ran in order in a process that was then killed, or that then lost the events it had read from the log. Both ran again later, in order. */
function areRepeated(earlier: Place, later: Place, interruptions: readonly Interruption[]): boolean {
  const at = beganAt(later)
  const first = later.runs.find(({ from }) => from === at) as Run
  const { pid } = first
  const wasInterrupted = interruptions.some((one) =>
    one.to === undefined ? one.pid === pid && one.from >= at : hit(first, one),
  )
  const wasDone = earlier.runs.some((one) => one.pid === pid && one.ended === 'done' && one.to !== null && one.to <= at)
  const repeats = earlier.runs.filter(({ from }) => from >= at).map(({ to }) => to ?? Number.POSITIVE_INFINITY)
  return wasInterrupted && wasDone && later.runs.some(({ from }) => from >= Math.max(...repeats))
}

/** It was done, or had failed for the last time, and did not run again later. */
function isFinishedBy(at: number, { runs, isDead }: Place): boolean {
  if (runs.some(({ from }) => from >= at)) return false
  const last = runs.filter(({ ended }) => ended === 'done' || (isDead && ended === 'failed'))
  return last.some(({ to }) => to !== null && to <= at)
}
