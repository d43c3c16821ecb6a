/** All that workers ask of Postgres for handlers with `delivery: 'log'`: reading the log, and leasing and moving its cursors. */
import type { LogBeat, LogLook, LogStore, OwnedCursor } from '../../../deliveries/log-reading.ts'
import type { AnyHandler } from '../../../handlers/handler.ts'
import type { Queryable } from '../connection.ts'
import { idOfDelivery } from '../deliveries/delivery-id.ts'
import { functionName } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'
import { acknowledge } from './acknowledge.ts'
import { admit, heldJobs } from './held-jobs.ts'
import { completedAfter } from './completed-after.ts'
import { deliveredOf } from './delivered.ts'
import { lanesOf, liveOf } from './live-lanes.ts'
import { eventsNumbered, readPiece } from './read-piece.ts'
import { prepareCursors } from './subscriptions.ts'

export interface LogConnections {
  /** For reading and acknowledging. */
  readonly connection: { pool(): Promise<Queryable> }
  /** For keeping leases. */
  readonly lifeline: { pool(): Promise<Queryable> }
}

export function createLogStore({ connection, lifeline }: LogConnections, tables: Tables): LogStore {
  const call = (name: string) => functionName(tables, name)
  const known = new Map<string, AnyHandler>()
  return {
    deliveryId: idOfDelivery,
    async prepare(handlers, how) {
      const subscriptions = await prepareCursors(await connection.pool(), tables, handlers, how)
      for (const [place, one] of subscriptions.entries()) if (one) known.set(one.handler, handlers[place] as AnyHandler)
      return subscriptions
    },
    async change(handler) {
      const database = await lifeline.pool()
      const { rows } = await database.query<{ step: string | null }>(`select ${call('log_change')}($1) as step`, [
        handler,
      ])
      return rows[0]?.step != null
    },
    delivered: async (handler, events) => deliveredOf(await connection.pool(), tables, handler, events),
    async beat(reader, handlers) {
      const { rows } = await (
        await lifeline.pool()
      ).query<{ beat: LogBeat }>({
        name: 'log-beat',
        text: `select ${call('log_beat')}($1, $2) as beat`,
        values: [reader, handlers],
      })
      return rows[0]?.beat ?? { handlers: [], cursors: [], readers: [], pauses: [] }
    },
    async take(reader, handler, wanted, dead) {
      const { rows } = await (
        await lifeline.pool()
      ).query<Omit<OwnedCursor, 'handler'>>(`select * from ${call('log_take')}($1, $2, $3, $4, $5)`, [
        reader,
        handler,
        wanted,
        dead.map(({ id }) => id),
        dead.map(({ beat }) => beat),
      ])
      return rows.map((row) => ({ handler, ...row }))
    },
    lanesOf: async (handler, shards) => lanesOf(await connection.pool(), tables, handler, shards),
    liveOf: async (handler, keys) => liveOf(await connection.pool(), tables, handler, keys),
    completedAfter: async (handler, after) => completedAfter(await lifeline.pool(), tables, { handler, after }),
    async release(reader, cursors) {
      await (
        await connection.pool()
      ).query(
        `update ${tables.logCursor} one set owner = null from unnest($2::text[], $3::integer[], $4::bigint[]) as ours (handler, shard, fence)
        where one.handler = ours.handler and one.shard = ours.shard and one.fence = ours.fence and one.owner = $1`,
        [
          reader,
          cursors.map(({ handler }) => handler),
          cursors.map(({ shard }) => shard),
          cursors.map(({ fence }) => fence),
        ],
      )
    },
    async leave(reader) {
      await (await lifeline.pool()).query(`select ${call('log_leave')}($1)`, [reader])
    },
    async look({ final, gap, heldBy }) {
      const { rows } = await (
        await connection.pool()
      ).query<LogLook>({
        name: 'log-watermark',
        text: `select final, gap, held_by as "heldBy", taken, life from ${call('log_watermark')}($1, $2, $3)`,
        values: [final, gap, heldBy],
      })
      return rows[0] ?? { final, gap, heldBy, taken: final, life: null }
    },
    read: async (piece) => readPiece(await connection.pool(), tables, piece),
    numbered: async (numbers) => eventsNumbered(await connection.pool(), tables, numbers.map(String)),
    shown: (event) => event,
    acknowledge: async (reader, moves, life = null) =>
      acknowledge(await connection.pool(), tables, { reader, moves, known, life }),
    held: async (handlers) => heldJobs(await lifeline.pool(), tables, handlers),
    admit: async (jobs) => admit(await connection.pool(), tables, jobs),
  }
}
