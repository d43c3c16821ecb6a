/** MikroORM 7, whose nested transactions are savepoints. */
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql'
import type { OpenClient, OpenTransaction } from './open-client.ts'

export async function openMikroOrm(connectionString: string): Promise<OpenClient> {
  const orm = await MikroORM.init({
    clientUrl: connectionString,
    entities: [],
    discovery: { warnWhenNoEntities: false },
    pool: { max: 2 },
  })

  return {
    inTransaction: (work) => orm.em.fork().transactional((em) => work(transaction(em))),
    root: orm.em.fork(),
    close: () => orm.close(),
  }
}

function transaction(em: EntityManager): OpenTransaction {
  return {
    tx: em,
    run: (statement) => em.execute(statement),
    inSavepoint: (work) => em.transactional((inner) => work(transaction(inner))),
  }
}
