/**
 * Vacuums the table of deliveries more often than autovacuum looks at it. Each delivery leaves dead rows and index entries
 * behind, and claims step over them until they are gone; the table itself is small, so a vacuum takes milliseconds.
 */
import type { Pool } from 'pg'
import type { Vacuumed } from '../../../deliveries/delivery-store.ts'
import type { Connection } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'

/** Fewer dead rows are not worth a vacuum. */
const WORTH_IT = 1_000
/** Of all workers, one vacuums within this time. */
const EVERY = `interval '4 s'`
/** A table of many millions takes its time; our usual limit for statements does not count here. */
const LIMIT_MS = 3_600_000

interface Look {
  readonly dead: string
  readonly isRecent: boolean
  readonly isAllowed: boolean
}

/** Vacuums on a connection of its own, which it keeps. */
export class Vacuum {
  readonly #connection: Pick<Connection, 'separatePool'>
  readonly #tables: Tables
  #pool: Pool | null = null

  constructor(connection: Pick<Connection, 'separatePool'>, tables: Tables) {
    this.#connection = connection
    this.#tables = tables
  }

  /** `null`: there was nothing to do, someone else has just done it, or this role may not. */
  async run(): Promise<Vacuumed | null> {
    const how = { applicationName: 'postbus vacuum', size: 1, statementMs: LIMIT_MS }
    const pool = (this.#pool ??= this.#connection.separatePool(how))
    const before = await this.#look(pool)
    if (!before.isAllowed || before.isRecent || Number(before.dead) < WORTH_IT) return null
    await pool.query(`vacuum (truncate off, skip_locked) ${this.#tables.delivery}`)
    const after = await this.#look(pool)
    return { dead: Number(before.dead), left: Number(after.dead) }
  }

  async close(): Promise<void> {
    const pool = this.#pool
    this.#pool = null
    await pool?.end()
  }

  /** From the server's counters: reads no table. */
  async #look(pool: Pool): Promise<Look> {
    const { rows } = await pool.query<Look>(
      `select pg_stat_get_dead_tuples(class.oid)::text as dead, pg_has_role(class.relowner, 'usage') as "isAllowed",
        coalesce(greatest(pg_stat_get_last_vacuum_time(class.oid), pg_stat_get_last_autovacuum_time(class.oid))
          > clock_timestamp() - ${EVERY}, false) as "isRecent"
      from pg_class class where class.oid = to_regclass($1)`,
      [this.#tables.delivery],
    )
    return rows[0] ?? { dead: '0', isRecent: false, isAllowed: false }
  }
}
