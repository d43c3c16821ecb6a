/** The queries of an engine's relay: reading the log, the lease of the stream, and erased events. */
import type { RelayLease, RelayStore } from '../../../deliveries/log-engine.ts'
import type { LogStore } from '../../../deliveries/log-reading.ts'
import type { Tables } from '../schema/tables.ts'
import type { LogConnections } from './log-store.ts'
import { hashOfEvent } from './read-piece.ts'

/** The most erased events that one call returns. */
const ERASED_AT_ONCE = 100

export function relayStore(
  { connection, lifeline }: LogConnections,
  { event, logCursor, logErasure, logStream, serverLife }: Tables,
  log: Pick<LogStore, 'look' | 'read'>,
): RelayStore {
  const columns = `one.id, one.owner, one.beat::text as beat, one.life, (select server.id from ${serverLife} server) as "serverLife"`
  return {
    ...log,
    async beat(stream, me, position) {
      const database = await lifeline.pool()
      const { rows } = await database.query<Lease>(
        `insert into ${logStream} as one (stream) values ($1)
        on conflict (stream) do update set beat = one.beat + 1, seen_at = clock_timestamp(), position = coalesce($3, one.position)
          where one.owner = $2
        returning ${columns}`,
        [stream, me, position],
      )
      const [ours] = rows
      if (ours) return lease(ours)
      const others = await database.query<Lease>(`select ${columns} from ${logStream} one where one.stream = $1`, [
        stream,
      ])
      return others.rows[0] ? lease(others.rows[0]) : NONE
    },
    async take(stream, me, seen) {
      const { rows } = await (
        await lifeline.pool()
      ).query(
        `update ${logStream} one set owner = $2, beat = one.beat + 1, seen_at = clock_timestamp()
        where one.stream = $1 and one.owner is not distinct from $3 and one.beat = $4 returning true`,
        [stream, me, seen.owner, seen.beat],
      )
      return rows.length > 0
    },
    async leave(stream, me) {
      await (
        await lifeline.pool()
      ).query(`update ${logStream} one set owner = null where one.stream = $1 and one.owner = $2`, [stream, me])
    },
    async noteLife(stream, life) {
      await (await lifeline.pool()).query(`update ${logStream} one set life = $2 where one.stream = $1`, [stream, life])
    },
    async firstPosition() {
      const { rows } = await (
        await lifeline.pool()
      ).query<{ first: string | null }>(`select min(one.position)::text as first from ${logCursor} one`)
      const first = rows[0]?.first ?? null
      return first === null ? null : Number(first)
    },
    async lastIn(partitions, { after, upTo }) {
      const { rows } = await (
        await connection.pool()
      ).query<{ partition: number; last: string }>(
        `select ${hashOfEvent('event')} % $1::integer as partition, max(event.seq)::text as last from ${event} event
        where event.seq > $2::bigint and event.seq <= $3::bigint group by 1`,
        [partitions, after, upTo],
      )
      return new Map(rows.map(({ partition, last }) => [partition, Number(last)]))
    },
    async erased(stream) {
      const { rows } = await (
        await lifeline.pool()
      ).query<{ seq: string }>(
        `select one.seq::text as seq from ${logErasure} one where one.stream = $1 order by one.seq limit ${ERASED_AT_ONCE}`,
        [stream],
      )
      return rows.map(({ seq }) => Number(seq))
    },
    async forget(stream, numbers) {
      await (
        await lifeline.pool()
      ).query(`delete from ${logErasure} one where one.stream = $1 and one.seq = any($2::bigint[])`, [stream, numbers])
    },
  }
}

const NONE: RelayLease = { id: '', owner: null, beat: 0, life: null, serverLife: null }

interface Lease extends Omit<RelayLease, 'beat'> {
  readonly beat: string
}

function lease({ beat, ...rest }: Lease): RelayLease {
  return { ...rest, beat: Number(beat) }
}
