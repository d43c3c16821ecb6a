/**
 * TypeORM: the `EntityManager` of `dataSource.transaction(async (manager) => …)`, or a `QueryRunner` with a transaction.
 *
 * A manager inside a transaction has a `QueryRunner`, which knows whether the transaction is open, and is released at
 * its end. The manager of the data source has none.
 */
import { hasMethods, rowsOf, type Rows, type SqlExecutor } from './executor.ts'
import { notATransaction, transactionFinished } from '../refusal.ts'

interface QueryRunner {
  readonly isReleased: boolean
  readonly isTransactionActive: boolean
  query(text: string, values: readonly unknown[]): Promise<Rows>
}

const whatToPass =
  'the `manager` of `dataSource.transaction(async (manager) => …)`, or a QueryRunner after `startTransaction()`'

export function openTypeorm(tx: unknown): SqlExecutor | undefined {
  if (isDataSource(tx)) throw notATransaction('a TypeORM DataSource', whatToPass)
  const runner = isEntityManager(tx) ? runnerOf(tx) : tx
  if (!isQueryRunner(runner)) return undefined
  if (runner.isReleased) throw transactionFinished('a TypeORM transaction')
  if (!runner.isTransactionActive) throw notATransaction('a TypeORM QueryRunner with no open transaction', whatToPass)

  return {
    executeSql: async (text, values) => rowsOf(await runner.query(text, [...values])),
    settings: 'the type parsers of the driver below TypeORM',
  }
}

function runnerOf(manager: object): unknown {
  const runner: unknown = Reflect.get(manager, 'queryRunner')
  if (runner) return runner
  throw notATransaction('a TypeORM EntityManager outside of a transaction', whatToPass)
}

function isDataSource(tx: unknown): boolean {
  return hasMethods(tx, 'createQueryRunner', 'transaction', 'getRepository')
}

function isEntityManager(tx: unknown): tx is object {
  return hasMethods(tx, 'getRepository', 'withRepository', 'transaction')
}

function isQueryRunner(tx: unknown): tx is QueryRunner {
  return hasMethods(tx, 'query', 'startTransaction', 'commitTransaction') && 'isTransactionActive' in tx
}
