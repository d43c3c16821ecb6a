/**
 * Knex: the `trx` of `knex.transaction(…)`, which knows when it has ended and refuses statements after that.
 */
import { hasSqlState } from '../database-error.ts'
import type { KnexTransaction } from '../transaction.ts'
import { hasMethods, rowsOf, type Rows, type SqlExecutor } from './executor.ts'
import { notATransaction, transactionFinished } from '../refusal.ts'

interface Raw {
  raw(text: string, bindings: readonly unknown[]): PromiseLike<Rows | { rows: Rows }>
}

export function openKnex(tx: unknown): SqlExecutor | undefined {
  if (!hasMethods(tx, 'raw', 'transactionProvider')) return undefined
  if (!isTransaction(tx)) throw notATransaction('a Knex instance', 'the `trx` of `knex.transaction(…)`')
  if (tx.isCompleted()) throw transactionFinished('a Knex transaction')

  return {
    executeSql: (text, values) => execute(tx, text, values),
    settings: '`postProcessResponse` of knex(), or the type parsers of its driver',
  }
}

async function execute(tx: KnexTransaction & Raw, text: string, values: readonly unknown[]): Promise<{ rows: Rows }> {
  const { statement, bindings } = withQuestionMarks(text, values)
  try {
    return rowsOf(await tx.raw(statement, bindings))
  } catch (error) {
    if (!hasSqlState(error) && tx.isCompleted()) throw transactionFinished('a Knex transaction', error)
    throw error
  }
}

/** Knex writes `?` where Postgres writes `$1`, and `\?` for a real question mark. */
function withQuestionMarks(text: string, values: readonly unknown[]) {
  const bindings: unknown[] = []
  const statement = text.replaceAll('?', '\\?').replaceAll(/\$(\d+)/g, (_, position) => {
    bindings.push(values[Number(position) - 1])
    return '?'
  })
  return { statement, bindings }
}

function isTransaction(tx: unknown): tx is KnexTransaction & Raw {
  return hasMethods(tx, 'raw', 'isCompleted')
}
