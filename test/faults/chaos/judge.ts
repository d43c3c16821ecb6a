/** Judges a chaos run: each promise has its checker. */
import { judged } from '../order-under-load.ts'
import { breaches, type Interruption } from '../../support/trace-checks.ts'
import type { PublishedTurn } from '../../support/order-checks.ts'
import type { TraceEntry } from '../../support/trace.ts'
import { HANDLERS, type World } from './world.ts'

const CHECKED = [
  'order of each key',
  'no overlap in a key',
  'nothing lost',
  'nothing repeated that was not in flight',
  'nothing ran that was not committed',
  'rows, events and deliveries are the same',
  'no acknowledged commit is gone',
  'no lane is stuck',
]

export async function judge({ stage, interruptions }: World, acknowledged: ReadonlySet<string>) {
  const { problems, ...numbers } = await judged(
    stage,
    interruptions,
    HANDLERS.map(({ name }) => name),
  )
  const markers = await ids(stage, 'select event_id as id from published')
  const events = await ids(stage, 'select id from postbus.event')
  const deliveries = (await stage.deliveries()).map(({ eventId }) => eventId)
  const trace = await stage.trace.entries()
  const { rows: turns } = await stage.database.query<PublishedTurn>(
    'select event_id as "eventId", key, turn from published',
  )
  const kept = new Set(markers)
  const gone = [...acknowledged].filter((id) => !kept.has(id))
  return {
    ...numbers,
    acknowledged: acknowledged.size,
    checked: CHECKED,
    problems: [
      ...problems.map((problem) => problem + storyOf(problem, { trace, turns, interruptions })),
      ...breaches(markers, events, deliveries),
      ...gone.map((id) => `${id} was committed, and is gone`),
    ],
  }
}

interface Records {
  readonly trace: readonly TraceEntry[]
  readonly turns: readonly PublishedTurn[]
  readonly interruptions: readonly Interruption[]
}

/** What the trace has of the events that a problem names, by id or by turn, and when their processes were interrupted. In seconds since the beginning. */
function storyOf(problem: string, { trace, turns, interruptions }: Records): string {
  const [, handler, key] = /^lane (\S+) (.*?): turn/.exec(problem) ?? []
  const numbers = Array.from(problem.matchAll(/turn (\d+)/g), ([, number]) => Number(number))
  const inLane = turns.filter((one) => one.key === key && one.turn !== null && numbers.includes(one.turn))
  const named = new Set([
    ...inLane.map(({ eventId }) => eventId),
    ...(problem.match(/[0-9a-f]{8}-[0-9a-f-]{27}/g) ?? []),
  ])
  const entries = trace.filter(
    (one) => named.has(one.eventId) && (handler ? one.handler === handler : problem.includes(one.handler)),
  )
  const since = (at: number) => ((at - (trace[0]?.at ?? 0)) / 1_000).toFixed(2)
  const steps = entries.map(({ at, step, pid, attempt, eventId }) => ({
    at,
    line: `${since(at)} s: ${step} of attempt ${attempt} at ${eventId.slice(-6)} in process ${pid}`,
  }))
  const pids = new Set(entries.map(({ pid }) => pid))
  const losses = interruptions
    .filter(({ pid }) => pids.has(pid))
    .map(({ from, to, pid, handlers }) => ({
      at: from,
      line: `${since(from)} s: process ${pid} ${to === undefined ? 'died' : `was interrupted until ${since(to)} s`}${handlers ? `, for ${handlers.join(', ')}` : ''}`,
    }))
  return [...steps, ...losses]
    .toSorted((one, other) => one.at - other.at)
    .map(({ line }) => `\n    ${line}`)
    .join('')
}

async function ids({ database }: World['stage'], statement: string): Promise<readonly string[]> {
  return (await database.query<{ id: string }>(statement)).rows.map(({ id }) => id)
}
