/** The search at the top: an id leads to its event, a key or a correlation id to its events, and other text to events that contain it. */
import { asked } from '../asked.ts'
import { link, type Values } from '../link.ts'
import { maySearchData } from '../shown-data.ts'
import type { GoTo, Visit } from '../visit.ts'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export async function find(visit: Visit): Promise<GoTo> {
  const words = asked(visit.query, 'for')
  if (words === null) return events(visit, {})
  if (UUID.test(words) && (await visit.bus.events.get(words)) !== null) {
    return { goTo: link(visit, `/events/${words}`) }
  }
  const text = words.slice(0, 512)
  if (await isThere(visit, { partitionKey: text })) return events(visit, { key: text })
  if (await isThere(visit, { correlationId: text })) return events(visit, { correlation: text })
  return events(visit, maySearchData(visit) ? { text } : { key: text })
}

async function isThere(
  { bus }: Visit,
  filter: { readonly partitionKey: string } | { readonly correlationId: string },
): Promise<boolean> {
  const { events: found } = await bus.events.list({ ...filter, limit: 1 })
  return found.length > 0
}

function events(visit: Visit, values: Values): GoTo {
  return { goTo: link(visit, '/events', values) }
}
