/**
 * Vacuums the table of deliveries more often than autovacuum looks at it. Each delivery leaves dead rows and index entries
 * behind, and claims step over them until they are gone; the table itself is small, so a vacuum takes milliseconds.
 */
import type { Pool } from 'pg'
import type { Vacuumed } from '../../../deliveries/delivery-store.ts'
import type { Connection, Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'

/** Fewer dead rows are not worth a vacuum. */
const WORTH_IT = 1_000
/** All workers together vacuum at most once in this time. */
const EVERY = `interval '4 s'`
/** The time limit of a vacuum. A table of many millions of rows takes longer than our usual limit for statements. */
const LIMIT_MS = 3_600_000

interface Look {
  readonly dead: string
  readonly isRecent: boolean
  readonly isAllowed: boolean
}

/** The one connection of this process that vacuums the tables of a database, for all its users. It is made when there is something to do. */
export class VacuumConnection {
  readonly #connection: Pick<Connection, 'separatePool'>
  #pool: Pool | null = null
  #users = 0

  constructor(connection: Pick<Connection, 'separatePool'>) {
    this.#connection = connection
  }

  /** Each `take` needs one `giveBack`. */
  take(): Pool {
    this.#users += 1
    const how = { applicationName: 'postbus vacuum', size: 1, statementMs: LIMIT_MS }
    return (this.#pool ??= this.#connection.separatePool(how))
  }

  async giveBack(): Promise<void> {
    this.#users -= 1
    if (this.#users > 0) return
    const pool = this.#pool
    this.#pool = null
    await pool?.end()
  }
}

export interface VacuumParts {
  readonly connection: { pool(): Promise<Queryable> }
  readonly vacuuming: VacuumConnection
  readonly tables: Tables
}

/** Looks on the usual connection, and vacuums on a separate one, which it keeps from its first vacuum until `close`. */
export class Vacuum {
  readonly #parts: VacuumParts
  #pool: Pool | null = null

  constructor(parts: VacuumParts) {
    this.#parts = parts
  }

  /** `null`: there was nothing to do, another process has just vacuumed, or this role may not. */
  async run(): Promise<Vacuumed | null> {
    const { connection, vacuuming, tables } = this.#parts
    const before = await this.#look(await connection.pool())
    if (!before.isAllowed || before.isRecent || Number(before.dead) < WORTH_IT) return null
    const pool = (this.#pool ??= vacuuming.take())
    await pool.query(`vacuum (truncate off, skip_locked) ${tables.delivery}`)
    const after = await this.#look(pool)
    return { dead: Number(before.dead), left: Number(after.dead) }
  }

  async close(): Promise<void> {
    const wasTaken = this.#pool !== null
    this.#pool = null
    if (wasTaken) await this.#parts.vacuuming.giveBack()
  }

  /** From the server's counters: reads no table. */
  async #look(database: Queryable): Promise<Look> {
    const { rows } = await database.query<Look>(
      `select pg_stat_get_dead_tuples(class.oid)::text as dead, pg_has_role(class.relowner, 'usage') as "isAllowed",
        coalesce(greatest(pg_stat_get_last_vacuum_time(class.oid), pg_stat_get_last_autovacuum_time(class.oid))
          > clock_timestamp() - ${EVERY}, false) as "isRecent"
      from pg_class class where class.oid = to_regclass($1)`,
      [this.#parts.tables.delivery],
    )
    return rows[0] ?? { dead: '0', isRecent: false, isAllowed: false }
  }
}
