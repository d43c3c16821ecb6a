/**
 * Publishes events, and runs handlers with `runs: 'in-transaction'` inside the same publish.
 *
 *   savepoint ──► events stored ──► each handler, with the publisher's `tx` ──► released
 *                                        │ throws
 *                                        └──► rolled back to the savepoint, and publish rejects with the same error
 *
 * So a publisher that catches the error goes on in a transaction that is as it was before. The savepoints of one transaction are nested, so
 * another publish in it could be rolled back with the first one: so the other one waits for its turn.
 */
import type { CallParts } from '../attempt/call-handler.ts'
import type { Codec } from '../codec/codec.ts'
import { now } from '../clock.ts'
import type { Envelope } from '../events/envelope.ts'
import type { PublishedEvent, PublishOptions, PublishResult } from '../events/publish-result.ts'
import type { LazyRegistry } from '../handlers/lazy-registry.ts'
import type { Backend, PlannedEvent } from '../publishing/backend.ts'
import type { Emit } from '../signals.ts'
import { explainDatabaseError } from '../transactions/database-error.ts'
import { openTransaction, type SqlExecutor } from '../transactions/open-transaction.ts'
import type { RunTransaction } from '../transactions/register.ts'
import type { PublishTransaction } from '../transactions/transaction.ts'
import { callInside } from './call-inside.ts'
import { inOwnTransaction } from './own-transaction.ts'
import { PublishTurns } from './publish-turns.ts'

export interface CallingParts extends Pick<CallParts, 'middleware'> {
  readonly emit: Emit
  readonly codec: Codec
  readonly registry: LazyRegistry
  publish(events: Envelope | readonly Envelope[], options?: PublishOptions): Promise<PublishResult>
  /** Opens a transaction for a publish without a `tx`. */
  readonly transaction: RunTransaction | undefined
}

const SAVEPOINT = 'postbus_publish'

export function callingWithin(
  publish: Backend['publish'],
  parts: CallingParts,
): Required<Pick<Backend, 'publish' | 'callsWithin'>> {
  const turns = new PublishTurns()
  const call = async (events: readonly PlannedEvent[], tx: PublishTransaction) => {
    try {
      const published = await publish(events, tx)
      await callAll(events, published, { ...parts, tx })
      return published
    } finally {
      await turns.end()
    }
  }
  return {
    callsWithin: true,
    // No await when there is nothing to wait for: the statement is sent in the publisher's own turn of the event loop.
    publish(events, tx) {
      const within = events.flatMap((planned) => planned.within ?? [])
      if (within.length === 0) return tx === undefined ? publish(events, tx) : turns.next(tx, () => publish(events, tx))
      if (tx === undefined)
        return inOwnTransaction(parts.transaction, within, (own) => turns.alone(own, () => call(events, own)))
      const executor = opened(tx)
      if (executor instanceof Error) return Promise.reject(executor)
      return turns.alone(tx, (enter) =>
        inSavepoint(executor, (inner = tx) => {
          enter(inner)
          return call(events, inner)
        }),
      )
    },
  }
}

/** Synchronous, so that a wrong `tx` is refused before anything is awaited. */
function opened(tx: PublishTransaction): SqlExecutor | Error {
  try {
    return openTransaction(tx)
  } catch (error) {
    return error as Error // openTransaction throws only refusals
  }
}

/** Calls handlers in the order of publishing, then of the registry. A duplicate event calls no handler again. */
async function callAll(
  events: readonly PlannedEvent[],
  published: readonly PublishedEvent[],
  parts: CallingParts & { readonly tx: PublishTransaction },
): Promise<void> {
  const registry = await parts.registry.load()
  for (const [index, planned] of events.entries()) {
    if (published[index]?.duplicate !== false) continue
    if (planned.envelope.expiresAt && planned.envelope.expiresAt <= now()) continue
    for (const handler of planned.within ?? []) await callInside(handler, planned, { ...parts, registry })
  }
}

/** Some clients have a transaction object for each savepoint. `work` then gets that object. */
async function inSavepoint<Result>(
  executor: SqlExecutor,
  work: (inner?: PublishTransaction) => Promise<Result>,
): Promise<Result> {
  if (executor.inSavepoint) return inItsOwn(executor.inSavepoint, work)
  await run(executor, `savepoint ${SAVEPOINT}`)
  try {
    const result = await work()
    await run(executor, `release savepoint ${SAVEPOINT}`)
    return result
  } catch (error) {
    await undone(executor)
    throw error
  }
}

async function inItsOwn<Result>(
  inSavepointOf: NonNullable<SqlExecutor['inSavepoint']>,
  work: (inner: PublishTransaction) => Promise<Result>,
): Promise<Result> {
  const results: Result[] = []
  try {
    await inSavepointOf(async (inner) => void results.push(await work(inner)))
  } catch (error) {
    throw explainDatabaseError(error)
  }
  return results[0] as Result
}

async function run(executor: SqlExecutor, statement: string): Promise<void> {
  try {
    await executor.executeSql(statement, [])
  } catch (error) {
    throw explainDatabaseError(error)
  }
}

/** Its own errors are ignored: a lost connection ends the transaction too, and the handler's error says more. */
async function undone(executor: SqlExecutor): Promise<void> {
  try {
    await executor.executeSql(`rollback to savepoint ${SAVEPOINT}`, [])
    await executor.executeSql(`release savepoint ${SAVEPOINT}`, [])
  } catch {
    // nothing of this transaction can be committed
  }
}
