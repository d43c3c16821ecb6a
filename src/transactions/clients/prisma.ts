/**
 * Prisma: the `tx` of an interactive transaction, `prisma.$transaction(async (tx) => …)`.
 *
 * After the end, Prisma itself refuses statements (P2028, before any SQL), and `database-error.ts` translates the error.
 */
import { hasMethods, rowsOf, type Rows, type SqlExecutor } from './executor.ts'
import { notATransaction } from '../refusal.ts'

interface RawQueries {
  $queryRawUnsafe(query: string, ...values: readonly unknown[]): PromiseLike<Rows>
}

export function openPrisma(tx: unknown): SqlExecutor | undefined {
  if (!isPrisma(tx)) return undefined
  if (hasMethods(tx, '$connect')) {
    throw notATransaction('a Prisma client', 'the `tx` of `prisma.$transaction(async (tx) => …)`')
  }

  return {
    executeSql: async (text, values) => rowsOf(await tx.$queryRawUnsafe(text, ...values)),
    settings: 'an extension of the Prisma client (`$extends`)',
  }
}

function isPrisma(tx: unknown): tx is RawQueries {
  return hasMethods(tx, '$queryRawUnsafe')
}
