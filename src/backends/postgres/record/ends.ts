/** What waits need from the database: to look whether events are finished, and to store which events are watched. */
import type { Codec } from '../../../codec/codec.ts'
import type { LazyRegistry } from '../../../handlers/lazy-registry.ts'
import type { Emit } from '../../../signals.ts'
import type { EventStatus } from '../../../record/event-status.ts'
import type { Connection } from '../connection.ts'
import type { Listening } from '../connections/listen-until-lost.ts'
import { listenOn } from '../deliveries/wake-up.ts'
import type { Tables } from '../schema/tables.ts'
import { causedBy } from './causes.ts'
import { eventsWithIds } from './event-rows.ts'
import { recordedEvent } from './recorded-row.ts'
import { statusesOf } from './log-statuses.ts'
import { Waits, type Found } from './waits.ts'

export interface EndParts {
  readonly connection: Connection
  readonly listening: Listening | null
  readonly tables: Tables
  readonly codec: Codec
  readonly emit: Emit
  readonly registry: LazyRegistry
}

export function waitsOn({ connection, listening, tables, codec, emit, registry }: EndParts): Waits<EventStatus> {
  return new Waits<EventStatus>({
    look: (ids, includeCaused) => lookAt(ids, includeCaused),
    async watch(waiter, seqs, forMs) {
      await (
        await connection.pool()
      ).query(
        `insert into ${tables.watch} (seq, waiter, until)
        select seq, $2::uuid, now() + $3::float8 * interval '1 ms' from unnest($1::bigint[]) as one (seq)
        on conflict (seq, waiter) do update set until = excluded.until`,
        [seqs, waiter, forMs],
      )
    },
    async unwatch(waiter, seqs) {
      await (
        await connection.pool()
      ).query(`delete from ${tables.watch} where (waiter = $1::uuid and seq = any($2::bigint[])) or until < now()`, [
        waiter,
        seqs,
      ])
    },
    listen: (onEnd) =>
      listenOn(listening, tables.endChannel, emit, (payload) => onEnd(payload === 'all' ? 'some' : payload)),
  })

  async function lookAt(ids: readonly string[], includeCaused: boolean): Promise<Found<EventStatus>> {
    const database = await connection.pool()
    const rows = await eventsWithIds(database, tables, ids)
    const roots = [...rows.values()].map(({ id, seq }) => ({ root: id, seq }))
    const members = includeCaused ? await causedBy(database, tables, { ids }) : roots
    const known = await registry.load()
    const { names } = known
    const seqs = [...new Set(members.map(({ seq }) => seq))]
    const deliveries = await statusesOf(database, tables, { seqs, registry: known, codec })
    // Read again after the deliveries: events that ended handlers have published are here now, and go on until they are looked at.
    const all = includeCaused ? await causedBy(database, tables, { ids }) : roots
    const goingOn = all.filter(({ seq }) => deliveries.get(seq)?.isFinished !== true)
    const unfinished = new Map(
      [...Map.groupBy(goingOn, ({ root }) => root)].map(([root, those]) => [root, those.map(({ seq }) => seq)]),
    )
    const finished = new Map<string, EventStatus>()
    for (const [id, row] of rows) {
      const found = deliveries.get(row.seq)
      if (found && !unfinished.has(id)) finished.set(id, { event: recordedEvent(row, codec, names), ...found })
    }
    return { finished, unfinished }
  }
}
