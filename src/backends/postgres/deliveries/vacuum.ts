/**
 * Vacuums the table of deliveries more often than autovacuum looks at it. Each delivery leaves dead rows and index entries
 * behind, and claims step over them until they are gone; the table itself is small, so a vacuum takes milliseconds.
 */
import type { Client } from 'pg'
import type { Vacuumed } from '../../../deliveries/delivery-store.ts'
import type { Connection } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'

/** Fewer dead rows are not worth a vacuum. */
const WORTH_IT = 1_000
/** Of all workers, one vacuums within this time. */
const EVERY = `interval '4 s'`
/** A table of many millions takes its time; our own limit for statements does not count here. */
const LIMIT_MS = 3_600_000

interface Look {
  readonly dead: string
  readonly isRecent: boolean
  readonly isAllowed: boolean
}

/** Vacuums on a connection of its own, which it keeps. */
export class Vacuum {
  readonly #connection: Pick<Connection, 'dedicated'>
  readonly #tables: Tables
  #client: Client | null = null

  constructor(connection: Pick<Connection, 'dedicated'>, tables: Tables) {
    this.#connection = connection
    this.#tables = tables
  }

  /** `null`: there was nothing to do, someone else has just done it, or this role may not. */
  async run(): Promise<Vacuumed | null> {
    const client = await this.#connected()
    const before = await this.#look(client)
    if (!before.isAllowed || before.isRecent || Number(before.dead) < WORTH_IT) return null
    const statement = { text: `vacuum (truncate off, skip_locked) ${this.#tables.delivery}`, query_timeout: LIMIT_MS }
    await client.query(statement)
    const after = await this.#look(client)
    return { dead: Number(before.dead), left: Number(after.dead) }
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = null
    await client?.end().catch(() => undefined) // it may be lost already
  }

  async #connected(): Promise<Client> {
    if (this.#client) return this.#client
    const client = await this.#connection.dedicated()
    client.once('end', () => (this.#client = null))
    this.#client = client
    return client
  }

  /** From the server's counters: reads no table. */
  async #look(client: Client): Promise<Look> {
    const { rows } = await client.query<Look>(
      `select pg_stat_get_dead_tuples(class.oid)::text as dead, pg_has_role(class.relowner, 'usage') as "isAllowed",
        coalesce(greatest(pg_stat_get_last_vacuum_time(class.oid), pg_stat_get_last_autovacuum_time(class.oid))
          > clock_timestamp() - ${EVERY}, false) as "isRecent"
      from pg_class class where class.oid = to_regclass($1)`,
      [this.#tables.delivery],
    )
    return rows[0] ?? { dead: '0', isRecent: false, isAllowed: false }
  }
}
