/** Judges a chaos run: each promise has its checker. */
import { judged } from '../order-under-load.ts'
import type { PublishedTurn } from '../../support/order-checks.ts'
import { breaches } from '../../support/trace-checks.ts'
import { storyOf } from './story.ts'
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

async function ids({ database }: World['stage'], statement: string): Promise<readonly string[]> {
  return (await database.query<{ id: string }>(statement)).rows.map(({ id }) => id)
}
