/** Prisma 7 over its pg adapter, whose nested transactions are savepoints. */
import { PrismaPg } from '@prisma/adapter-pg'
import { type Prisma, PrismaClient } from '../prisma/client/client.ts'
import type { OpenClient, OpenTransaction } from './open-client.ts'

export async function openPrisma(connectionString: string): Promise<OpenClient> {
  const root = new PrismaClient({ adapter: new PrismaPg({ connectionString, max: 2 }) })

  return {
    inTransaction: (work) => root.$transaction((tx) => work(transaction(tx))),
    root,
    close: () => root.$disconnect(),
  }
}

function transaction(tx: Prisma.TransactionClient): OpenTransaction {
  return {
    tx,
    run: (statement) => tx.$executeRawUnsafe(statement),
    inSavepoint: (work) => tx.$transaction((inner) => work(transaction(inner))),
  }
}
