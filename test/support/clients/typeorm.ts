/** TypeORM, by its two ways to have a transaction: the manager of a callback, and a query runner that the caller ends by hand. */
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm'
import type { OpenClient, OpenTransaction, Work } from './open-client.ts'

export async function openTypeorm(connectionString: string): Promise<OpenClient> {
  const source = await dataSource(connectionString)
  return {
    inTransaction: (work) => source.transaction((manager) => work(transaction(manager))),
    root: source.manager,
    close: () => source.destroy(),
  }
}

function transaction(manager: EntityManager): OpenTransaction {
  return {
    tx: manager,
    run: (statement) => manager.query(statement),
    inSavepoint: (work) => manager.transaction((inner) => work(transaction(inner))),
  }
}

export async function openTypeormRunner(connectionString: string): Promise<OpenClient> {
  const source = await dataSource(connectionString)

  async function inTransaction(work: Work): Promise<void> {
    const runner = source.createQueryRunner()
    await runner.startTransaction()
    try {
      await work(byRunner(runner))
      await runner.commitTransaction()
    } catch (error) {
      await runner.rollbackTransaction()
      throw error
    } finally {
      await runner.release()
    }
  }

  return { inTransaction, root: source, close: () => source.destroy() }
}

function byRunner(runner: QueryRunner): OpenTransaction {
  const itself: OpenTransaction = {
    tx: runner,
    run: (statement) => runner.query(statement),
    async inSavepoint(work) {
      await runner.startTransaction() // inside another one it makes a savepoint
      try {
        await work(itself)
      } catch (error) {
        await runner.rollbackTransaction()
        throw error
      }
      await runner.commitTransaction()
    },
  }
  return itself
}

async function dataSource(url: string): Promise<DataSource> {
  return new DataSource({ type: 'postgres', url, poolSize: 2 }).initialize()
}
