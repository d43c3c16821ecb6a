/** Runs our statements on the connections of a pool, ours or the application's. */
import { withConnection, type Lender, type LentConnection } from './lent-connection.ts'
import { isOutdated, preparedStatements } from './prepared-statements.ts'
import type { Database, Queryable, Statement } from './queryable.ts'
import { beginOnSharedSession } from './session.ts'

export interface DatabaseParts extends Lender {
  /** Whether statements with a name are prepared. Default: on sessions that are ours alone. */
  readonly preparedStatements?: boolean | undefined
}

export function databaseOn(parts: DatabaseParts): Database {
  const prepared = preparedStatements(parts.preparedStatements ?? true)

  async function query<Row extends object>(statement: Statement): Promise<{ rows: Row[] }> {
    const { name: _, ...unnamed } = statement
    const send = (isWanted: (connection: LentConnection) => boolean) =>
      withConnection(parts, (connection) => {
        const name = isWanted(connection) ? prepared.nameOf(statement) : undefined
        return alone(connection, () => connection.send<Row>({ ...unnamed, name }))
      })
    try {
      return await send(({ isOwn }) => parts.preparedStatements ?? isOwn)
    } catch (error) {
      // Safe to send again: a statement that was not found has done nothing, and one that failed was rolled back.
      if (statement.name === undefined || !(prepared.gaveUpOn(error) || isOutdated(error))) throw error
      return send(() => false)
    }
  }

  /** On our own session, one statement is a transaction by itself. Elsewhere our settings have to come first. */
  async function alone<Result>(connection: LentConnection, work: () => Promise<Result>): Promise<Result> {
    return connection.isOwn ? work() : inTransaction(connection, work)
  }

  async function inTransaction<Result>(connection: LentConnection, work: () => Promise<Result>): Promise<Result> {
    const run = (text: string) => connection.send({ text })
    await (connection.isOwn ? run('begin') : beginOnSharedSession(run, parts.queryTimeoutMs))
    try {
      const result = await work()
      await run('commit')
      return result
    } catch (error) {
      // A connection that is lost is closed, which ends the transaction too.
      if (!connection.isLost()) await run('rollback').catch(() => undefined)
      throw error
    }
  }

  return {
    query: (statement, values) => query(statementOf(statement, values)),
    transaction: (work) =>
      withConnection(parts, (connection) =>
        inTransaction(connection, () =>
          work({
            async query(statement, values) {
              const { name: _, ...unnamed } = statementOf(statement, values) // an error about its name would end the transaction
              return connection.send(unnamed)
            },
          } satisfies Queryable),
        ),
      ),
  }
}

function statementOf(statement: string | Statement, values: unknown[] | undefined): Statement {
  return typeof statement === 'string' ? { text: statement, ...(values && { values }) } : statement
}
