/** Checks which transaction, if any, holds back readers of the log: replays, backfills, exports, the index of `bus.events`. */
import { realNowMs } from '../../../clock.ts'
import type { DoctorFinding } from '../../../deliveries/operations.ts'
import type { Queryable } from '../connection.ts'
import { writingTransactions } from '../record/watermark.ts'

/** A transaction that writes for longer than this is reported. */
const LONG_MS = 60_000

export async function examineLog(database: Queryable): Promise<DoctorFinding> {
  const [oldest] = await writingTransactions(database)
  const sinceMs = oldest?.since ? realNowMs() - oldest.since.getTime() : 0
  if (!oldest || sinceMs < LONG_MS)
    return { check: 'log', status: 'ok', message: 'nothing holds back what reads the log' }

  const { pid, application, user } = oldest
  const who = `${user ?? 'unknown'}, ${application ?? 'no application name'}`
  const holder = pid === null ? `prepared transaction ${application}` : `the transaction of process ${pid} (${who})`
  const minutes = Math.round(sinceMs / 60_000).toLocaleString('en')
  return {
    check: 'log',
    status: 'warning',
    message: `${holder} has written and not ended for ${minutes} min: replays, backfills, exports and the index of bus.events wait for it`,
  }
}
