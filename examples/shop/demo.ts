/**
 * `npm run demo`: replays 5,009 orders through the shop while two worker processes handle their events, and then checks the account, which
 * compares the expected numbers with the database. Exit code 1 if any number differs.
 */
import { shop } from './database.ts'
import { printAccount } from './demo/account.ts'
import { expectationOf, type Expectation } from './demo/expectation.ts'
import { readFound } from './demo/found.ts'
import { DEMO_SCHEMAS, freshSchemas } from './demo/fresh-schemas.ts'
import { demoOptions, HELP } from './demo/options.ts'
import { showProgress } from './demo/progress.ts'
import { reconcile } from './demo/reconcile.ts'
import { replay } from './demo/replay.ts'
import { allDeliveriesEnded } from './demo/settling.ts'
import { superstoreOrders, type SuperstoreOrder } from './demo/superstore.ts'
import { Stopped, stopOnSignals } from './demo/stopped.ts'
import { startWorkers } from './demo/worker-processes.ts'
import { bus } from './postbus.config.ts'

const WORKERS = 2

async function main(args: readonly string[]): Promise<number> {
  const { limit, reconcileOnly, help } = demoOptions(args)
  if (help) {
    process.stdout.write(HELP)
    return 0
  }
  const orders = await superstoreOrders(limit)
  try {
    return reconcileOnly ? await check(expectationOf(orders)) : await runAndCheck(orders)
  } finally {
    await bus.close()
  }
}

async function runAndCheck(orders: readonly SuperstoreOrder[]): Promise<number> {
  const over = new AbortController()
  stopOnSignals(over)
  const { connectionString, which } = await shop.project()
  say(`Database: ${which}`)
  say(`Cleared for the demo, and all it touches: the schemas ${DEMO_SCHEMAS.join(', ')}`)

  const lock = await freshSchemas(connectionString)
  try {
    await bus.migrate()
    const expectation = expectationOf(orders)
    return await check(expectation, await stream(orders, expectation, over))
  } finally {
    await lock.release()
  }
}

/** Publishes and handles at the same time. Returns the exit codes of the workers. */
async function stream(
  orders: readonly SuperstoreOrder[],
  expectation: Expectation,
  over: AbortController,
): Promise<readonly (number | null)[]> {
  const { signal } = over
  signal.throwIfAborted()
  const startedAt = Date.now()
  const workers = await startWorkers(WORKERS, (error) => over.abort(error))
  const progress = showProgress(expectation)
  let publishing = true
  try {
    const published = replay(orders, { bus, progress, signal }).finally(() => (publishing = false))
    await Promise.all([published, allDeliveriesEnded({ progress, signal, publishing: () => publishing })])
  } catch (error) {
    if (!signal.aborted) over.abort(error)
  } finally {
    progress.stop()
  }
  const exits = await workers.stop()
  signal.throwIfAborted()
  say(`Published and handled in ${((Date.now() - startedAt) / 1_000).toFixed(1)} s, by ${WORKERS} worker processes.`)
  return exits
}

async function check(expectation: Expectation, workerExits?: readonly (number | null)[]): Promise<number> {
  const lines = reconcile(expectation, await readFound(bus), workerExits)
  return printAccount(lines) ? 0 : 1
}

function exitCodeOf(error: unknown): number {
  if (error instanceof Stopped) {
    say(error.message)
    return error.exitCode
  }
  say(error instanceof Error ? (error.stack ?? error.message) : String(error))
  return 1
}

function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`)
}

// The reader of the output may end early, as `| head` does. The demo still ends in good order.
process.stdout.on('error', () => undefined)
process.stderr.on('error', () => undefined)
process.exitCode = await main(process.argv.slice(2)).catch(exitCodeOf)
