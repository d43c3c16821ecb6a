/** `bus.events.export` and `bus.events.import`: the record of events, from one database to another. */
import { realNowMs } from '../../../clock.ts'
import { parseAct } from '../../../deliveries/acts.ts'
import {
  checkedImport,
  type ExportedEvent,
  type ImportReport,
  type EventTransfer,
} from '../../../deliveries/exported-events.ts'
import { logFilter, type CheckedLogFilter } from '../../../deliveries/log-filter.ts'
import { openRest } from '../../../attempt/open-envelope.ts'
import type { LazyRegistry } from '../../../handlers/lazy-registry.ts'
import { parseOptions } from '../../../parse-options.ts'
import type { Connection, Queryable } from '../connection.ts'
import { functionName } from '../functions/sql.ts'
import { operating } from '../operating/operating.ts'
import type { Tables } from '../schema/tables.ts'
import { endOfLog } from './log-reader.ts'
import { readLog, type ReadEvent } from './read-log.ts'
import { byStoredTypes } from './stored-types.ts'

/** The limits for one part of a transfer in memory: this many events, and in an import payloads of this many characters. */
const MOST_EVENTS = 500
const MOST_CHARACTERS = 8_388_608

export interface TransferParts {
  readonly connection: Connection
  readonly tables: Tables
  readonly registry: LazyRegistry
  readonly retentionMs: number | null
}

export function transferIn({ connection, tables, registry, retentionMs }: TransferParts): EventTransfer {
  const { look, act: acting } = operating(connection, tables)

  async function* exporting(asked: CheckedLogFilter): AsyncGenerator<ExportedEvent> {
    const filter = byStoredTypes(await registry.load(), asked)
    const upTo = await look((database) => endOfLog(database, tables, new AbortController().signal))
    for (let after = 0n; after < upTo;) {
      const how = { range: { after, upTo }, most: MOST_EVENTS, withPayload: true }
      const part = await look((database) => readLog(database, tables, filter, how))
      yield* part.events.map(exported)
      after = part.upTo
    }
  }

  return Object.freeze({
    export: (given = {}) => exporting(parseOptions('events.export()', logFilter, given)),
    async import(events, how) {
      const earliest = retentionMs === null ? -Infinity : realNowMs() - retentionMs
      const isPast = ({ publishedAt }: ExportedEvent) => Date.parse(publishedAt) < earliest
      const sum = { count: 0, duplicates: 0, pastRetention: 0 }
      await acting(parseAct('events.import', how), {}, async (database, { note }) => {
        for await (const batch of batchesOf(events)) {
          const stored = await database.transaction(async (within) => {
            const ids = await store(within, tables, batch)
            await note(within, ids.size)
            return ids
          })
          sum.count += stored.size
          sum.duplicates += batch.length - stored.size
          sum.pastRetention += batch.filter((event) => stored.has(event.id) && isPast(event)).length
        }
        return sum.count
      })
      return sum satisfies ImportReport
    },
  } satisfies EventTransfer)
}

function exported(event: ReadEvent): ExportedEvent {
  const { exact, rest, correlationId } = event
  const {
    caused_by_handler: causedByHandler = null,
    initialized_at: initializedAt = null,
    redacted = null,
  } = openRest({ rest })
  return Object.freeze({
    id: event.id,
    type: event.type,
    version: event.version,
    partitionKey: event.partitionKey,
    payload: event.payload,
    correlationId: correlationId ?? event.id,
    causationId: event.causationId,
    causedByHandler,
    initializedAt,
    source: event.source,
    metadata: event.metadata,
    redacted,
    publishedAt: event.publishedAt,
    ...exact,
  })
}

async function* batchesOf(events: AsyncIterable<unknown> | Iterable<unknown>): AsyncGenerator<ExportedEvent[]> {
  let batch: ExportedEvent[] = []
  let characters = 0
  let number = 0
  for await (const given of events) {
    number += 1
    const event = checkedImport(given, number)
    batch.push(event)
    characters += event.payload.length
    if (batch.length < MOST_EVENTS && characters < MOST_CHARACTERS) continue
    yield batch
    batch = []
    characters = 0
  }
  if (batch.length > 0) yield batch
}

/** Returns the ids of the events that were stored, without the duplicates. */
async function store(
  database: Queryable,
  tables: Tables,
  events: readonly ExportedEvent[],
): Promise<ReadonlySet<string>> {
  const rows = events.map((event, ord) => ({
    ord,
    id: event.id,
    type: event.type,
    version: event.version,
    partition_key: event.partitionKey,
    payload: event.payload,
    correlation_id: event.correlationId,
    causation_id: event.causationId,
    caused_by_handler: event.causedByHandler,
    initialized_at: event.initializedAt,
    source: event.source,
    metadata: event.metadata,
    redacted: event.redacted,
    occurred_at: event.occurredAt,
    published_at: event.publishedAt,
    expires_at: event.expiresAt,
    retained_until: event.retainedUntil,
  }))
  const { rows: stored } = await database.query<{ id: string }>(
    `select id from ${functionName(tables, 'import_events')}($1) as stored (id)`,
    [JSON.stringify(rows)],
  )
  return new Set(stored.map(({ id }) => id))
}
