/** What transactional handlers have committed: see `functions/own-commits.ts`. */
import type { Completed, Completions, Completing } from '../../../deliveries/own-commits.ts'
import type { ClaimedDelivery } from '../../../deliveries/delivery.ts'
import { explainDatabaseError } from '../../../transactions/database-error.ts'
import { openTransaction } from '../../../transactions/open-transaction.ts'
import { readTexts } from '../../../transactions/read-texts.ts'
import type { PublishTransaction } from '../../../transactions/transaction.ts'
import type { Queryable } from '../connection.ts'
import { byId, claimOf, functionName, isClaimed } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'

/** `ownPool`: apart from the pool whose connections the application's transactions may all have. */
export function completionsIn(ownPool: () => Promise<Queryable>, tables: Tables): Completions {
  return {
    async find({ id }) {
      const { rows } = await (
        await ownPool()
      ).query<Completed>(`select skipped from ${tables.completion} where delivery = $1`, [id])
      return rows[0] ?? null
    },
    async complete(tx, delivery, skipped) {
      const answer = await completeIn(tx, tables, delivery, skipped)
      if (answer !== 'ask') return answer
      return (await isOurs(await ownPool(), tables, delivery)) ? 'ours' : 'lost'
    },
  }
}

const ANSWERS = ['ours', 'lost', 'completed', 'ask'] as const

async function completeIn(
  tx: PublishTransaction,
  tables: Tables,
  { queue, id, claim }: ClaimedDelivery,
  skipped: string | null,
): Promise<Completing | 'ask'> {
  const statement = {
    // As text, which every client sends as it is.
    text: `select ${functionName(tables, 'complete_claimed')}($1::text, $2::text::uuid, $3::text::bigint, $4::text) as completed`,
    values: [queue, id, String(claim), skipped],
  }
  try {
    const [answer] = await readTexts(openTransaction(tx), statement, (text) => ANSWERS.find((one) => one === text))
    return answer ?? 'lost'
  } catch (error) {
    throw explainDatabaseError(error, tables.names.postbus)
  }
}

async function isOurs(database: Queryable, tables: Tables, { queue, id, claim }: ClaimedDelivery): Promise<boolean> {
  const found = byId(tables, { queue: '$1', id: '$2::uuid' }, 'job.id')
  const { rows } = await database.query(`${found} and ${claimOf('job')} = $3::bigint and ${isClaimed('job')}`, [
    queue,
    id,
    claim,
  ])
  return rows.length > 0
}
