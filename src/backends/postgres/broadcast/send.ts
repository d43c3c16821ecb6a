/** Broadcasts events, in the caller's transaction or alone: one call of the SQL function `broadcast`. */
import type { PlannedEvent } from '../../../publishing/backend.ts'
import { checkBatchSize } from '../../../publishing/batch.ts'
import type { SqlExecutor } from '../../../transactions/open-transaction.ts'
import { readTexts } from '../../../transactions/read-texts.ts'
import { functionName } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'
import { messageOf } from './message.ts'

export async function sendBroadcasts(
  executor: SqlExecutor,
  tables: Tables,
  events: readonly PlannedEvent[],
): Promise<void> {
  checkBatchSize(events)
  const statement = {
    text: `select ${functionName(tables, 'broadcast')}($1) as sent`,
    values: [JSON.stringify(events.map(messageOf))],
  }
  await readTexts(executor, statement, (sent) => (sent === 'sent' ? sent : undefined))
}
