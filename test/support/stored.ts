/** Reads the tables after a publish, without the code under test. */
import { Client, type Pool } from 'pg'
import { EVERY_DELIVERY } from './every-delivery.ts'

export interface StoredRow {
  readonly seq: string
  readonly id: string
  readonly type: string
  readonly partition_key: string | null
  readonly payload: string
  readonly correlation_id: string
  readonly causation_id: string | null
  readonly source: string | null
  readonly metadata: unknown
}

export interface DeliveryRow {
  readonly id: string
  readonly queue: string
  readonly handler: string
  readonly event: string
  readonly state: string
  readonly priority: number
  readonly singleton_key: string | null
  readonly retry_count: number
  readonly retry_limit: number
  /** Null for a delivery that is parked for good. */
  readonly due_in_seconds: number | null
}

/** All events, in the order of `seq`. */
export async function storedEvents(database: Pool): Promise<readonly StoredRow[]> {
  const { rows } = await database.query<StoredRow>(
    `select seq, id, type, partition_key, payload::text as payload, correlation_id, causation_id, source, metadata
    from postbus.event order by seq`,
  )
  return rows
}

/** All deliveries, in the order of their ids. */
export async function storedDeliveries(database: Pool): Promise<readonly DeliveryRow[]> {
  const { rows } = await database.query<DeliveryRow>(
    `select id, name as queue, data ->> 'handler' as handler, data ->> 'event' as event, state, priority,
      singleton_key, retry_count, retry_limit,
      case when isfinite(start_after) then extract(epoch from start_after - now())::float8 end as due_in_seconds
    from ${EVERY_DELIVERY} job order by id`,
  )
  return rows
}

/** How many events and deliveries there are. */
export async function storedCounts(database: Pool): Promise<{ events: number; deliveries: number }> {
  const { rows } = await database.query<{ events: number; deliveries: number }>(
    `select (select count(*)::integer from postbus.event) as events,
      (select count(*)::integer from ${EVERY_DELIVERY} job) as deliveries`,
  )
  return rows[0] ?? { events: -1, deliveries: -1 }
}

/** Deletes events, deliveries, dead letters and the like before the next test of a file. */
export async function emptyTables(database: Pool): Promise<void> {
  await database.query(
    `truncate postbus.event, postbus.finish, postbus.replay, postbus.backfill, postbus.dead_letter, postbus.history, postbus.handler, postbus.worker, postbus.act,
      postbus.pause, postbus.log_handler, postbus.log_cursor, postbus.log_reader, pgboss.job`,
  )
}

export interface WakeUps {
  /** The wake-ups of every transaction that has committed by now. */
  heard(): Promise<readonly string[]>
  close(): Promise<void>
}

/** Listens as a worker does. Notifications arrive in the order of the commits, so one of our own shows that all earlier ones have arrived. */
export async function listenForWakeUps(connectionString: string): Promise<WakeUps> {
  const listener = new Client({ connectionString })
  const payloads: string[] = []
  await listener.connect()
  listener.on('notification', ({ payload }) => payloads.push(payload ?? ''))
  await listener.query('listen postbus_postbus')

  return {
    async heard() {
      await listener.query(`notify postbus_postbus, 'mark'`)
      const upToTheMark = payloads.slice(0, payloads.indexOf('mark'))
      payloads.length = 0
      return upToTheMark
    },
    close: () => listener.end(),
  }
}
