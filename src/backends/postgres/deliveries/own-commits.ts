/** Records and finds the deliveries that transactional handlers have completed: see `functions/own-commits.ts`. */
import type { Completed, Completing, Completions, NotCommitted } from '../../../deliveries/own-commits.ts'
import { explainDatabaseError } from '../../../transactions/database-error.ts'
import { openTransaction } from '../../../transactions/open-transaction.ts'
import { readTexts } from '../../../transactions/read-texts.ts'
import { rowsChanged } from '../../../transactions/refusal.ts'
import type { PublishTransaction } from '../../../transactions/transaction.ts'
import type { Queryable } from '../connection.ts'
import { lostMembers } from '../functions/own-commits.ts'
import { functionName } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'

/** `ownPool`: another pool than the main one, because the application's transactions may hold all connections of the main one. */
export function completionsIn(ownPool: () => Promise<Queryable>, tables: Tables): Completions {
  return {
    async find(deliveries) {
      const { rows } = await (
        await ownPool()
      ).query<Completed & { readonly delivery: string }>(
        `select delivery, skipped from ${tables.completion} where delivery = any($1::uuid[])`,
        [deliveries.map(({ id }) => id)],
      )
      return new Map(rows.map(({ delivery, skipped }) => [delivery, { skipped }]))
    },
    async complete(tx, members) {
      const inOrder = members.toSorted(byId) // so that two transactions do not deadlock
      const lines = await completeIn(tx, tables, inOrder)
      const isAsked = lines.some(({ what }) => what === 'ask')
      const lost = isAsked ? await lostAmong(await ownPool(), tables, inOrder) : []
      return new Map(
        [...lost, ...lines].flatMap(({ what, id }) => (what === 'lost' || what === 'completed' ? [[id, what]] : [])),
      )
    },
  }
}

interface Line {
  readonly what: NotCommitted | 'ask' | 'told'
  readonly id: string
}

const WORDS = ['lost', 'completed', 'ask', 'told'] as const

async function completeIn(
  tx: PublishTransaction,
  tables: Tables,
  members: readonly Completing[],
): Promise<readonly Line[]> {
  const statement = {
    // Values are sent as text, which every client passes on unchanged.
    text: `select line from ${functionName(tables, 'complete_members')}($1::text::jsonb, $2::text::uuid) as line`,
    values: [textOf(members), readerOf(members)],
  }
  try {
    const executor = openTransaction(tx)
    const lines = await readTexts(executor, statement, lineIn)
    if (lines.at(-1)?.what !== 'told') throw rowsChanged(executor.settings)
    return lines
  } catch (error) {
    throw explainDatabaseError(error, tables.names.postbus)
  }
}

/** Asks on another connection: above read committed, the application's transaction does not see which worker has the claims now. */
async function lostAmong(
  database: Queryable,
  tables: Tables,
  members: readonly Completing[],
): Promise<readonly Line[]> {
  const { rows } = await database.query<{ line: string }>(
    `select lost.line from (${lostMembers(tables, { members: '$1::jsonb', me: '$2::uuid' })}) lost (line)`,
    [textOf(members), readerOf(members)],
  )
  return rows.flatMap(({ line }) => lineIn(line) ?? [])
}

function lineIn(text: string): Line | undefined {
  const [first, id = ''] = text.split(' ')
  const what = WORDS.find((one) => one === first)
  return what && { what, id }
}

function textOf(members: readonly Completing[]): string {
  return JSON.stringify(
    members.map(({ delivery, skipped, head = delivery }) => ({
      delivery: delivery.id,
      skipped,
      ...(delivery.cursor
        ? { handler: delivery.cursor.handler, shard: delivery.cursor.shard, fence: delivery.cursor.fence }
        : { queue: head.queue, claimed: head.id, claim: head.claim }),
    })),
  )
}

/** The worker that read these deliveries from the log: the same one for all. */
function readerOf(members: readonly Completing[]): string | null {
  return members[0]?.delivery.cursor?.reader ?? null
}

function byId({ delivery: one }: Completing, { delivery: other }: Completing): number {
  return one.id < other.id ? -1 : 1
}
