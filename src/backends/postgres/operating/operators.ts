/** `bus.deadLetters` and `bus.lanes`: what an operator asks for is checked here, before any SQL, and every act passes through one place. */
import { parseAct, parseBatchAct, type Act, type ActReport } from '../../../deliveries/acts.ts'
import {
  deadLetterFilter,
  deadLetterQuery,
  deadLetterSelection,
  type DeadLetters,
} from '../../../deliveries/dead-letters.ts'
import { laneName, laneQuery, type Lanes } from '../../../deliveries/lanes.ts'
import { parseOptions } from '../../../parse-options.ts'
import { explainDatabaseError } from '../../../transactions/database-error.ts'
import type { Connection, Database } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'
import { dismissDeadLetters, retryDeadLetters } from './dead-letter-acts.ts'
import { countDeadLetters, listDeadLetters } from './dead-letters.ts'
import { listLanes, retryLane, showLane, skipHead } from './lanes.ts'
import { withReachableDatabase } from './reachable.ts'

export function deadLettersIn(connection: Connection, tables: Tables): DeadLetters {
  const { look, act } = operating(connection, tables)
  return Object.freeze({
    async list(given = {}) {
      const query = parseOptions('deadLetters.list()', deadLetterQuery, given)
      return look((pool) => listDeadLetters(pool, tables, query))
    },
    async count(given = {}) {
      const filter = parseOptions('deadLetters.count()', deadLetterFilter, given)
      return look((pool) => countDeadLetters(pool, tables, filter))
    },
    async retry(given, how) {
      const which = parseOptions('deadLetters.retry()', deadLetterSelection, given)
      return act(parseBatchAct('deadLetters.retry', how), (pool, what) => retryDeadLetters(pool, tables, which, what))
    },
    async dismiss(given, how) {
      const which = parseOptions('deadLetters.dismiss()', deadLetterSelection, given)
      return act(parseBatchAct('deadLetters.dismiss', how), (pool, what) =>
        dismissDeadLetters(pool, tables, which, what),
      )
    },
  } satisfies DeadLetters)
}

export function lanesIn(connection: Connection, tables: Tables): Lanes {
  const { look, act } = operating(connection, tables)
  return Object.freeze({
    async list(given = {}) {
      const query = parseOptions('lanes.list()', laneQuery, given)
      return look((pool) => listLanes(pool, tables, query))
    },
    async show(given) {
      const name = parseOptions('lanes.show()', laneName, given)
      return look((pool) => showLane(pool, tables, name))
    },
    async retry(given, how) {
      const name = parseOptions('lanes.retry()', laneName, given)
      return act(parseAct('lanes.retry', how), (pool) => retryLane(pool, tables, name))
    },
    async skipHead(given, how) {
      const name = parseOptions('lanes.skipHead()', laneName, given)
      return act(parseAct('lanes.skipHead', how), (pool, what) => skipHead(pool, tables, name, what))
    },
  } satisfies Lanes)
}

/** How an operator looks, and how an operator acts. */
function operating(connection: Connection, tables: Tables) {
  const look = <Result>(work: (pool: Database) => Promise<Result>) =>
    withReachableDatabase(async () =>
      work(await connection.pool()).catch((error: unknown) => {
        throw explainDatabaseError(error, tables.names.postbus)
      }),
    )

  async function act<What extends Act>(
    what: What,
    work: (pool: Database, what: What) => Promise<number>,
  ): Promise<ActReport> {
    return { count: await look((pool) => work(pool, what)) }
  }
  return { look, act }
}
