/**
 * Judges a trace: was anything lost, repeated without need, run twice at once, or run without having been committed?
 * Pure functions that return what is wrong, in words. An empty list means that the promise was kept.
 */
import type { TraceEntry } from './trace.ts'

/** One run of a handler, from its start to its end, or to the moment its process died. */
export interface Run {
  readonly handler: string
  readonly eventId: string
  readonly key: string | null
  readonly attempt: number
  readonly pid: number
  readonly from: number
  /** `null`: it never ended. */
  readonly to: number | null
  readonly ended: 'done' | 'failed' | 'never'
}

/** A time when a process was killed, or could have lost its claims: its runs in flight may be repeated. */
export interface Interruption {
  readonly pid: number
  readonly from: number
  /** Default: no end, as after a kill. */
  readonly to?: number
  /** The events of the claims that were held then, if that is known. Default: it could be any. */
  readonly holding?: ReadonlySet<string>
  /** The handlers whose runs may be repeated. Default: all. */
  readonly handlers?: readonly string[]
}

export interface Expected {
  readonly handler: string
  readonly eventId: string
}

/**
 * The attempt of a finished handler is settled at most this much later, so a kill within this time may repeat the attempt. If
 * the claims held at the kill are known, a settle may take longer.
 */
const SETTLING_MS = 1_000

/** Pairs each start with its end. A process runs one attempt of a delivery at a time; if not, the trace shows it. */
export function runsOf(trace: readonly TraceEntry[]): readonly Run[] {
  const open = new Map<string, TraceEntry[]>()
  const runs: Run[] = []
  for (const entry of trace) {
    if (entry.step === 'aborted') continue
    const name = `${entry.handler} ${entry.eventId} ${entry.pid} ${entry.attempt}`
    const starts = open.get(name) ?? []
    open.set(name, starts)
    if (entry.step === 'start') starts.push(entry)
    else runs.push(run(starts.shift() ?? entry, entry))
  }
  for (const start of [...open.values()].flat()) runs.push(run(start, null))
  return runs.toSorted((one, other) => one.from - other.from)
}

function run(start: TraceEntry, end: TraceEntry | null): Run {
  const { handler, eventId, key, attempt, pid, at } = start
  const ended = end === null ? 'never' : end.step === 'fail' ? 'failed' : 'done'
  return { handler, eventId, key, attempt, pid, from: at, to: end?.at ?? null, ended }
}

/** C4: every committed event is handled by every handler that should receive it, or is a dead letter of that handler. */
export function lost(
  expected: readonly Expected[],
  trace: readonly TraceEntry[],
  dead: readonly Expected[] = [],
): readonly string[] {
  const done = runsOf(trace).filter((one) => one.ended === 'done')
  const accounted = new Set([...done, ...dead].map(nameOf))
  return expected.filter((one) => !accounted.has(nameOf(one))).map((one) => `${nameOf(one)} was lost`)
}

/**
 * C3: a run is repeated only after it failed, or when it was in flight at an interruption of its process. Runs are in the order of
 * attempts, not of time: a process that wakes up may begin a run that another process has taken over and finished meanwhile.
 */
export function needlessRepeats(
  trace: readonly TraceEntry[],
  interruptions: readonly Interruption[] = [],
): readonly string[] {
  return [...grouped(runsOf(trace), nameOf)].flatMap(([name, runs]) =>
    runs
      .toSorted((one, other) => one.attempt - other.attempt)
      .slice(0, -1)
      .filter((one) => one.ended !== 'failed' && !interruptions.some((interruption) => hit(one, interruption)))
      .map(
        (one) =>
          `${name} ran again though attempt ${one.attempt} of process ${one.pid} was not interrupted: ${story(one, runs, interruptions)}`,
      ),
  )
}

/** Details that help to find the cause. */
function story(one: Run, runs: readonly Run[], interruptions: readonly Interruption[]): string {
  const again = runs
    .filter(({ from }) => from > one.from)
    .map(({ pid, from }) => `${pid} at +${Math.round(from - one.from)} ms`)
  const kills = interruptions
    .filter(({ pid }) => pid === one.pid)
    .map(({ from }) => `+${Math.round(from - one.from)} ms`)
  const took = one.to === null ? 'for ever' : `${Math.round(one.to - one.from)} ms`
  return `it took ${took}, process ${again.join(', ')} ran it again, and its own was killed at ${kills.join(', ') || 'no time'}`
}

/** How many runs were in flight at an interruption, and so may have been repeated. */
export function inFlightAt(trace: readonly TraceEntry[], interruption: Interruption): number {
  return runsOf(trace).filter((one) => hit(one, interruption)).length
}

/** Whether this interruption may be the reason why the run was repeated. */
export function hit(one: Run, { pid, from, to = Number.POSITIVE_INFINITY, holding, handlers }: Interruption): boolean {
  if (handlers?.includes(one.handler) === false) return false
  if (one.pid !== pid || one.from > to || holding?.has(one.eventId) === false) return false
  return one.to === null || holding?.has(one.eventId) === true || one.to + SETTLING_MS >= from
}

/**
 * C2: a handler never has two runs of one key at once. A run that never ended lasted until its process died. A run in flight when its
 * process lost its claims no longer counts from then on.
 */
export function overlaps(trace: readonly TraceEntry[], interruptions: readonly Interruption[] = []): readonly string[] {
  const keyed = runsOf(trace).filter((one) => one.key !== null)
  return [...grouped(keyed, (one) => `${one.handler} ${one.key}`)].flatMap(([lane, runs]) =>
    runs.flatMap((one, index) => {
      const next = runs[index + 1]
      if (!next || next.from >= endOf(one, interruptions)) return []
      return [`lane ${lane}: ${next.eventId} started while ${one.eventId} was running`]
    }),
  )
}

function endOf(one: Run, interruptions: readonly Interruption[]): number {
  const losses = interruptions.filter(
    (loss) => loss.to !== undefined && hit(one, loss) && (one.to ?? Infinity) > loss.from,
  )
  if (losses.length > 0) return Math.min(...losses.map(({ from }) => Math.max(from, one.from)))
  if (one.to !== null) return one.to
  const deaths = interruptions.filter(({ pid, to }) => pid === one.pid && to === undefined)
  return Math.min(...deaths.map(({ from }) => Math.max(from, one.from))) // its last entries may arrive after its death
}

/** The largest number of runs at once. */
export function mostAtOnce(trace: readonly TraceEntry[], interruptions: readonly Interruption[] = []): number {
  const runs = runsOf(trace)
  const at = (moment: number) => runs.filter((one) => one.from <= moment && moment < endOf(one, interruptions)).length
  return Math.max(0, ...runs.map(({ from }) => at(from)))
}

/** C6: nothing runs that was not committed. */
export function ghosts(trace: readonly TraceEntry[], committed: ReadonlySet<string>): readonly string[] {
  const strangers = new Set(trace.map((entry) => entry.eventId).filter((id) => !committed.has(id)))
  return [...strangers].map((id) => `${id} ran, and was never committed`)
}

/** C5: the rows that publishers wrote beside each event, the events, and the deliveries are the same set. */
export function breaches(
  markers: readonly string[],
  events: readonly string[],
  deliveries: readonly string[],
): readonly string[] {
  return [
    ...missing(markers, events).map((id) => `${id}: its row was committed without its event`),
    ...missing(events, markers).map((id) => `${id}: its event was committed without its row`),
    ...missing(events, deliveries).map((id) => `${id}: its event was committed without its delivery`),
    ...missing(deliveries, events).map((id) => `${id}: its delivery was committed without its event`),
  ]
}

function missing(wanted: readonly string[], present: readonly string[]): readonly string[] {
  const known = new Set(present)
  return wanted.filter((id) => !known.has(id))
}

function nameOf({ handler, eventId }: Expected): string {
  return `${handler} for ${eventId}`
}

function grouped<Value>(values: readonly Value[], by: (value: Value) => string): ReadonlyMap<string, readonly Value[]> {
  const groups = new Map<string, Value[]>()
  for (const value of values) groups.set(by(value), [...(groups.get(by(value)) ?? []), value])
  return groups
}
