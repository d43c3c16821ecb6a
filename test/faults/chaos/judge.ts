/** Judges a chaos run: each promise has its checker. */
import { judged } from '../order-under-load.ts'
import { breaches } from '../../support/trace-checks.ts'
import type { TraceEntry } from '../../support/trace.ts'
import type { World } from './world.ts'

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
  const { problems, ...numbers } = await judged(stage, interruptions)
  const markers = await ids(stage, 'select event_id as id from published')
  const events = await ids(stage, 'select id from postbus.event')
  const deliveries = (await stage.deliveries()).map(({ eventId }) => eventId)
  const trace = await stage.trace.entries()
  const kept = new Set(markers)
  const gone = [...acknowledged].filter((id) => !kept.has(id))
  return {
    ...numbers,
    acknowledged: acknowledged.size,
    checked: CHECKED,
    problems: [
      ...problems.map((problem) => problem + storyOf(problem, trace)),
      ...breaches(markers, events, deliveries),
      ...gone.map((id) => `${id} was committed, and is gone`),
    ],
  }
}

/** The trace entries of the event that a problem names, with seconds since the first entry of the whole trace. */
function storyOf(problem: string, trace: readonly TraceEntry[]): string {
  const named = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(problem)?.[0]
  const entries = trace.filter(({ eventId }) => eventId === named)
  const since = (at: number) => ((at - (trace[0]?.at ?? 0)) / 1_000).toFixed(2)
  return entries
    .map(
      ({ at, step, pid, attempt, key }) =>
        `\n    ${since(at)} s: ${step} of attempt ${attempt} in process ${pid}, ${key ?? 'no key'}`,
    )
    .join('')
}

async function ids({ database }: World['stage'], statement: string): Promise<readonly string[]> {
  return (await database.query<{ id: string }>(statement)).rows.map(({ id }) => id)
}
