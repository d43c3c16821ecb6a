/** What transactional handlers have committed: see `functions/own-commits.ts`. */
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

/** `ownPool`: apart from the pool whose connections the application's transactions may all have. */
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
      const inOrder = members.toSorted(byId) // two transactions do not wait for each other in a circle
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
    // As text, which every client sends as it is.
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

/** Above read committed the transaction of the application does not see who has the claims now. */
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

/** All that is read is read by one worker. */
function readerOf(members: readonly Completing[]): string | null {
  return members[0]?.delivery.cursor?.reader ?? null
}

function byId({ delivery: one }: Completing, { delivery: other }: Completing): number {
  return one.id < other.id ? -1 : 1
}
