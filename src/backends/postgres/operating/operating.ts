/** Runs the queries and the acts of operators: every act passes through here, and is recorded. */
import type { Act, ActReport } from '../../../deliveries/acts.ts'
import type { LazyRegistry } from '../../../handlers/lazy-registry.ts'
import { explainDatabaseError } from '../../../transactions/database-error.ts'
import type { Connection, Database, Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'
import { noteOf, type NoteAct } from './act-log.ts'
import { withReachableDatabase } from './reachable.ts'

export interface OperatorParts {
  readonly connection: Connection
  readonly tables: Tables
  /** Operators use the names that handlers and event types have now, or any that they had. */
  readonly registry: LazyRegistry
}

export interface Operating {
  look<Result>(work: (pool: Database) => Promise<Result>): Promise<Result>
  /** An act in several transactions, each of which has to note what it did. `filter`: what the act is for. */
  act<What extends Act>(
    what: What,
    filter: object,
    work: (pool: Database, what: What & { readonly note: NoteAct }) => Promise<number>,
  ): Promise<ActReport>
  /** An act that is one transaction. */
  actAtOnce<What extends Act>(
    what: What,
    filter: object,
    work: (within: Queryable, what: What) => Promise<number>,
  ): Promise<ActReport>
}

export function operating(connection: Connection, tables: Tables): Operating {
  const look: Operating['look'] = (work) =>
    withReachableDatabase(async () =>
      work(await connection.pool()).catch((error: unknown) => {
        throw explainDatabaseError(error, tables.names.postbus)
      }),
    )
  const act: Operating['act'] = async (what, filter, work) => {
    const note = noteOf(tables, what, filter)
    return { count: await look((pool) => work(pool, { ...what, note })) }
  }
  const actAtOnce: Operating['actAtOnce'] = (what, filter, work) =>
    act(what, filter, (pool, { note }) =>
      pool.transaction(async (within) => {
        const count = await work(within, what)
        await note(within, count)
        return count
      }),
    )
  return { look, act, actAtOnce }
}
