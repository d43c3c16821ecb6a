/** Tells what happened to the events that a problem names, for the report of a chaos run. */
import type { PublishedTurn } from '../../support/order-checks.ts'
import type { Interruption } from '../../support/trace-checks.ts'
import type { TraceEntry } from '../../support/trace.ts'

export interface Records {
  readonly trace: readonly TraceEntry[]
  readonly turns: readonly PublishedTurn[]
  readonly interruptions: readonly Interruption[]
}

interface Line {
  readonly at: number
  readonly says: string
}

/** Returns one line for each step of these events and each interruption of their processes. Times are seconds since the first step of the run. */
export function storyOf(problem: string, records: Records): string {
  const { trace, interruptions } = records
  const entries = entriesOf(problem, records)
  const pids = new Set(entries.map(({ pid }) => pid))
  const startedAt = trace[0]?.at ?? 0
  return [...entries.map(stepLine), ...interruptions.filter(({ pid }) => pids.has(pid)).map(interruptionLine)]
    .toSorted((one, other) => one.at - other.at)
    .map(({ at, says }) => `\n    ${((at - startedAt) / 1_000).toFixed(2)} s: ${says}`)
    .join('')
}

/** A problem names an event by its id, or by its turn in a lane. */
function entriesOf(problem: string, { trace, turns }: Records): readonly TraceEntry[] {
  const [, handler, key] = /^lane (\S+) (.*?): turn/.exec(problem) ?? []
  const numbers = Array.from(problem.matchAll(/turn (\d+)/g), ([, number]) => Number(number))
  const ofTurns = turns.filter((one) => one.key === key && one.turn !== null && numbers.includes(one.turn))
  const ids = new Set([
    ...ofTurns.map(({ eventId }) => eventId),
    ...(problem.match(/[0-9a-f]{8}-[0-9a-f-]{27}/g) ?? []),
  ])
  const isNamed = (name: string) => (handler === undefined ? problem.includes(name) : name === handler)
  return trace.filter((entry) => ids.has(entry.eventId) && isNamed(entry.handler))
}

function stepLine({ at, step, pid, attempt, eventId }: TraceEntry): Line {
  return { at, says: `${step} of attempt ${attempt} at event …${eventId.slice(-6)} in process ${pid}` }
}

function interruptionLine({ from, to, pid, handlers }: Interruption): Line {
  const what = to === undefined ? 'died' : `was interrupted for ${((to - from) / 1_000).toFixed(2)} s`
  return { at: from, says: `process ${pid} ${what}${handlers ? `, for ${handlers.join(', ')}` : ''}` }
}
