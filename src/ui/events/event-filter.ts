/** Reads the filters of the list of events from its address. */
import type { EventMetadataValue } from '../../events/envelope.ts'
import type { EventFilter, EventQuery, EventState } from '../../record/event-query.ts'
import { asked, field, oneOf, refused, timeField } from '../asked.ts'
import { maySearchData } from '../shown-data.ts'
import type { Visit } from '../visit.ts'

export const STATES = ['unfinished', 'retrying', 'dead'] as const satisfies readonly EventState[]
export const EVENTS_ON_A_PAGE = 50

/** @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` for an invalid value. */
export function filterOf(visit: Visit): EventFilter {
  const { query } = visit
  const state = oneOf(query, 'state', STATES)
  const metadata = asked(query, 'metadata')
  const text = asked(query, 'text')
  const mayNotSearch = (text !== null || metadata !== null) && !maySearchData(visit)
  if (mayNotSearch) throw refused('text, metadata: who does not see the data of events cannot search in it.')
  return {
    ...field(query, 'type', 'type'),
    ...field(query, 'key', 'partitionKey'),
    ...field(query, 'correlation', 'correlationId'),
    ...field(query, 'cause', 'causationId'),
    ...field(query, 'handler', 'handler'),
    ...timeField(query, 'since'),
    ...timeField(query, 'until'),
    ...(state !== null && { state }),
    ...(metadata !== null && { metadata: metadataOf(metadata) }),
    ...(text !== null && { text }),
  }
}

export function queryOf(visit: Visit): EventQuery {
  const first = oneOf(visit.query, 'first', ['newest', 'oldest'])
  return {
    ...filterOf(visit),
    ...(first !== null && { first }),
    limit: EVENTS_ON_A_PAGE,
    cursor: asked(visit.query, 'cursor'),
  }
}

/** Reads `tenant=acme` or `retries=3`: a value that is valid JSON is read as JSON. */
function metadataOf(text: string): Readonly<Record<string, EventMetadataValue>> {
  const at = text.indexOf('=')
  if (at < 1) throw refused('metadata: expected a field and its value, such as tenant=acme.')
  return { [text.slice(0, at).trim()]: valueOf(text.slice(at + 1).trim()) }
}

function valueOf(text: string): EventMetadataValue {
  try {
    return JSON.parse(text) as EventMetadataValue
  } catch {
    return text // most values are words
  }
}
