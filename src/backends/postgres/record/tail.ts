/** `bus.events.tail`: events as they are committed, in the order of the log. It misses no event, because it never reads beyond the watermark. */
import type { Codec } from '../../../codec/codec.ts'
import { sleep } from '../../../clock.ts'
import type { CheckedTailQuery } from '../../../record/tail-query.ts'
import type { LazyRegistry } from '../../../handlers/lazy-registry.ts'
import type { RecordedEvent } from '../../../record/recorded-event.ts'
import type { Connection } from '../connection.ts'
import { operating } from '../operating/operating.ts'
import type { Tables } from '../schema/tables.ts'
import { endOfLog } from './log-reader.ts'
import { readLog, type ReadEvent } from './read-log.ts'
import { recordedEvent } from './recorded-row.ts'
import { byStoredTypes } from './stored-types.ts'
import { moveWatermark, NO_WATERMARK } from './watermark.ts'

const LOOK_EVERY_MS = 500
/** How often it looks while a transaction holds the watermark back. */
const LOOK_AGAIN_MS = 50
const MOST_AT_ONCE = 200

interface TailParts {
  readonly connection: Connection
  readonly tables: Tables
  readonly codec: Codec
  readonly registry: LazyRegistry
}

export async function* tailOf(
  { connection, tables, codec, registry }: TailParts,
  { signal = new AbortController().signal, ...asked }: CheckedTailQuery,
): AsyncGenerator<RecordedEvent> {
  const { look } = operating(connection, tables)
  const known = await registry.load()
  const filter = byStoredTypes(known, asked)
  let after = asked.since ? 0n : await look((database) => endOfLog(database, tables, signal))
  let watermark = NO_WATERMARK
  while (!signal.aborted) {
    watermark = await look((database) => moveWatermark(database, tables, watermark))
    while (after < watermark.seq && !signal.aborted) {
      const how = { range: { after, upTo: watermark.seq }, most: MOST_AT_ONCE, withPayload: true }
      const part = await look((database) => readLog(database, tables, filter, how))
      for (const event of part.events) yield recordedEvent(rowOf(event), codec, known.names)
      after = part.upTo
    }
    await sleep(watermark.bound === null ? LOOK_EVERY_MS : LOOK_AGAIN_MS, signal)
  }
}

function rowOf(event: ReadEvent) {
  return { ...event, publishedAt: new Date(event.publishedAt) }
}
