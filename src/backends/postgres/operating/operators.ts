/** `bus.deadLetters` and `bus.lanes`: what an operator asks for is checked here, before any SQL, and every act passes through one place. */
import { parseAct, parseBatchAct, type Act, type ActReport } from '../../../deliveries/acts.ts'
import {
  deadLetterFilter,
  deadLetterQuery,
  deadLetterSelection,
  type DeadLetters,
} from '../../../deliveries/dead-letters.ts'
import { laneName, laneQuery, type Lanes } from '../../../deliveries/lanes.ts'
import type { LazyRegistry } from '../../../handlers/lazy-registry.ts'
import { parseOptions } from '../../../parse-options.ts'
import { explainDatabaseError } from '../../../transactions/database-error.ts'
import type { Connection, Database } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'
import { dismissDeadLetters, retryDeadLetters } from './dead-letter-acts.ts'
import { namedAsNow, namesOfLane, storedFilter } from './names-asked-for.ts'
import { countDeadLetters, listDeadLetters } from './dead-letters.ts'
import { listLanes, retryLane, showLane, skipHead } from './lanes.ts'
import { withReachableDatabase } from './reachable.ts'

interface OperatorParts {
  readonly connection: Connection
  readonly tables: Tables
  /** Operators use the names that handlers and event types have now, or any that they had. */
  readonly registry: LazyRegistry
}

export function deadLettersIn({ connection, tables, registry }: OperatorParts): DeadLetters {
  const { look, act } = operating(connection, tables)
  const names = async () => (await registry.load()).names
  return Object.freeze({
    async list(given = {}) {
      const query = parseOptions('deadLetters.list()', deadLetterQuery, given)
      const known = await names()
      const page = await look((pool) => listDeadLetters(pool, tables, { ...query, ...storedFilter(known, query) }))
      return { ...page, deadLetters: page.deadLetters.map((letter) => namedAsNow(known, letter)) }
    },
    async count(given = {}) {
      const filter = parseOptions('deadLetters.count()', deadLetterFilter, given)
      const stored = storedFilter(await names(), filter)
      return look((pool) => countDeadLetters(pool, tables, stored))
    },
    async retry(given, how) {
      const which = parseOptions('deadLetters.retry()', deadLetterSelection, given)
      const what = parseBatchAct('deadLetters.retry', how)
      const stored = storedFilter(await names(), which)
      return act(what, (pool) => retryDeadLetters(pool, tables, stored, what))
    },
    async dismiss(given, how) {
      const which = parseOptions('deadLetters.dismiss()', deadLetterSelection, given)
      const what = parseBatchAct('deadLetters.dismiss', how)
      const stored = storedFilter(await names(), which)
      return act(what, (pool) => dismissDeadLetters(pool, tables, stored, what))
    },
  } satisfies DeadLetters)
}

export function lanesIn({ connection, tables, registry }: OperatorParts): Lanes {
  const { look, act } = operating(connection, tables)
  const names = async () => (await registry.load()).names
  return Object.freeze({
    async list(given = {}) {
      const query = parseOptions('lanes.list()', laneQuery, given)
      const known = await names()
      const { handler, ...rest } = query
      const stored = { ...rest, handlers: handler === undefined ? null : known.handlers.all(handler) }
      const page = await look((pool) => listLanes(pool, tables, stored))
      return { ...page, lanes: page.lanes.map((lane) => namedAsNow(known, lane)) }
    },
    async show(given) {
      const name = parseOptions('lanes.show()', laneName, given)
      const known = await names()
      const lane = await look((pool) => showLane(pool, tables, namesOfLane(known, name)))
      return lane && namedAsNow(known, lane)
    },
    async retry(given, how) {
      const name = parseOptions('lanes.retry()', laneName, given)
      const what = parseAct('lanes.retry', how)
      const lane = namesOfLane(await names(), name)
      return act(what, (pool) => retryLane(pool, tables, lane))
    },
    async skipHead(given, how) {
      const name = parseOptions('lanes.skipHead()', laneName, given)
      const what = parseAct('lanes.skipHead', how)
      const lane = namesOfLane(await names(), name)
      return act(what, (pool) => skipHead(pool, tables, lane, what))
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
