/** A log of events on a server of its own: a test holds open the transactions of publishes, and a reader must miss no event. */
import { Client, Pool } from 'pg'
import type { Queryable } from '../../src/backends/postgres/connection.ts'
import { moveWatermark, NO_WATERMARK, type Watermark } from '../../src/backends/postgres/record/watermark.ts'
import { tablesIn } from '../../src/backends/postgres/schema/tables.ts'
import { createBus } from '../../src/index.ts'
import { startEmbeddedServer } from './embedded-server.ts'
import { NoteTaken } from './notes.ts'
import { until } from './until.ts'

export const tables = tablesIn({ postbus: 'postbus', pgboss: 'pgboss' })

/** Reads the log as every reader does: the events between its place and the watermark. */
export class LogReader {
  readonly #database: Queryable
  readonly #watermarkFrom: Queryable
  watermark: Watermark = NO_WATERMARK
  place = 0n
  readonly read: number[] = []

  constructor(database: Queryable, watermarkFrom = database) {
    this.#database = database
    this.#watermarkFrom = watermarkFrom
  }

  async look(): Promise<void> {
    this.watermark = await moveWatermark(this.#watermarkFrom, tables, this.watermark)
    const { rows } = await this.#database.query<{ n: number }>(
      `select (payload -> 'json' ->> 'n')::integer as n from postbus.event where seq > $1 and seq <= $2 order by seq`,
      [String(this.place), String(this.watermark.seq)],
    )
    this.read.push(...rows.map(({ n }) => n))
    if (this.watermark.seq > this.place) this.place = this.watermark.seq
  }

  async readToTheEnd(): Promise<void> {
    await until('nothing is waited for', async () => {
      await this.look()
      return this.watermark.bound === null
    })
    await this.look()
  }
}

export async function openLog() {
  // A server of its own, because any open transaction in the server holds the watermark back.
  const server = await startEmbeddedServer({ max_prepared_transactions: '5' })
  const { connectionString } = server
  const bus = createBus({ connectionString, handlers: [], onSignal: () => undefined })
  await bus.migrate()
  const database = new Pool({ connectionString, max: 3 })
  const clients: Client[] = []

  async function connect(): Promise<Client> {
    const client = new Client({ connectionString })
    client.on('error', () => undefined)
    clients.push(client)
    await client.connect()
    return client
  }

  async function publish(n: number, tx?: Client): Promise<void> {
    await bus.publish(NoteTaken({ n }), tx === undefined ? {} : { tx })
  }

  async function begun(how = ''): Promise<Client> {
    const client = await connect()
    await client.query(`begin ${how}`)
    return client
  }

  return {
    database,
    connect,
    publish,
    begun,
    reader: (watermarkFrom?: Queryable) => new LogReader(database, watermarkFrom),
    /** A publish of 1 that has taken its seq, and has not inserted its event yet. */
    async heldInsert() {
      const gate = await connect()
      const first = await begun()
      await database.query(`create function public.hold() returns trigger language plpgsql as $$ begin
        if new.payload::text like '%"n":1%' then perform pg_advisory_lock(13); end if;
        return new;
      end $$`)
      await database.query(
        'create trigger hold before insert on postbus.event for each row execute function public.hold()',
      )
      await gate.query('select pg_advisory_lock(13)')
      const publishing = publish(1, first).then(() => first.query('commit'))
      await until('the publish waits between its seq and the insert', async () => {
        const { rows } = await database.query(`select from pg_stat_activity where wait_event = 'advisory'`)
        return rows.length > 0
      })
      return { publishing, goOn: () => gate.query('select pg_advisory_unlock(13)') }
    },
    /** The transaction id that the server assigns next, if nothing runs. */
    async nextId(): Promise<bigint> {
      const { rows } = await database.query<{ id: string }>(
        'select pg_snapshot_xmax(pg_current_snapshot())::text as id',
      )
      return BigInt(rows[0]?.id ?? 0)
    },
    async tidy(): Promise<void> {
      await Promise.all(clients.splice(0).map((client) => client.end()))
      await database.query('drop function if exists public.hold cascade; truncate postbus.event')
    },
    async close(): Promise<void> {
      await database.end()
      await bus.close()
      await server.remove()
    },
  }
}

export type Log = Awaited<ReturnType<typeof openLog>>
