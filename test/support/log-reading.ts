/** Readers of the log without a dispatcher: the store, and workers that read with a store that a test may change. */
import { Pool } from 'pg'
import { onTestFinished } from 'vitest'
import { createLogStore } from '../../src/backends/postgres/log/log-store.ts'
import { tablesIn } from '../../src/backends/postgres/schema/tables.ts'
import { createCodec } from '../../src/codec/codec.ts'
import type { BatchAttempts } from '../../src/attempt/batch-attempt.ts'
import type { ClaimedDelivery } from '../../src/deliveries/delivery.ts'
import { NOTHING_KNOWN, type LogStore } from '../../src/deliveries/log-reading.ts'
import type { Outcome } from '../../src/handlers/outcome.ts'
import { createRegistry } from '../../src/handlers/registry.ts'
import type { AnyHandler } from '../../src/index.ts'
import { HandlerSlots } from '../../src/worker/handler-slots.ts'
import { LogHandling } from '../../src/worker/log/log-handling.ts'
import { LogWorker } from '../../src/worker/log/log-worker.ts'
import { Tally } from '../../src/worker/tally.ts'

export const TABLES = tablesIn({ postbus: 'postbus', pgboss: 'pgboss' })

export function logStoreOn(connectionString: string): LogStore {
  const pool = new Pool({ connectionString, max: 4 })
  pool.on('error', () => undefined)
  onTestFinished(() => pool.end())
  const connection = { pool: async () => pool }
  return createLogStore({ connection, lifeline: connection }, TABLES)
}

/** Reads the log from the beginning, as far as it is final at each call. */
export function logReaderOn(store: LogStore) {
  let look = NOTHING_KNOWN
  let after = 0
  return {
    /** Reads on, and returns the keys of the events. */
    async read(): Promise<readonly (string | null)[]> {
      look = await store.look(look)
      const events = await store.read({ after, upTo: look.final, most: 1_000, shards: null, types: null })
      after = look.final
      return events.map(({ partitionKey }) => partitionKey)
    },
  }
}

export interface WorkerThatReads {
  readonly store: LogStore
  readonly handler: AnyHandler
  attempt(delivery: ClaimedDelivery, abort: AbortController): Promise<Outcome>
  readonly beatMs?: number
  readonly deadAfterMs?: number
}

/** A worker that begins to read when it is started, and ends with the test. */
export async function workerThatReads({ store, handler, ...parts }: WorkerThatReads): Promise<LogWorker> {
  const registry = createRegistry([handler])
  const emit = () => undefined
  const [subscription] = await store.prepare([handler])
  const slots = new HandlerSlots(new Map())
  const handling = new LogHandling(
    { handler, subscription: subscription!, slots, concurrency: 10 },
    { registry, codec: createCodec(), emit },
  )
  const worker = new LogWorker({
    ...parts,
    store,
    handlings: [handling],
    types: null,
    pollMs: 50,
    emit,
    tally: new Tally(),
    wakeAfter: () => undefined,
    batchAttempts: NO_BATCHES,
  })
  onTestFinished(() => worker.leave())
  return worker
}

const NO_BATCHES: BatchAttempts = {
  handlerNamed: () => null,
  open: () => null,
  run: () => Promise.reject(new Error('There are no batch handlers.')),
}
