/** A new handler works off two million events of the log, while others publish and are handled. */
import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { createBus, defineHandler, type AnyHandler } from '../../../src/index.ts'
import { startEmbeddedServer } from '../../support/embedded-server.ts'
import { NoteTaken } from '../../support/notes.ts'
import { until } from '../../support/until.ts'

const HISTORY = 2_000_000
const AT_A_TIME = 100_000
const KEYS = 5_000
const LIVE_EVERY_MS = 5
const QUIET_MS = 10_000
const LIMIT_MS = 15 * 60_000

test('a new handler of the log catches up with two million events during live traffic, each key in order', async () => {
  const server = await startEmbeddedServer({ max_connections: '100', max_wal_size: '4GB' })
  onTestFinished(() => server.remove())
  const { connectionString } = server
  const opened = (...handlers: readonly AnyHandler[]) => createBus({ connectionString, handlers, onSignal: () => {} })

  const takenAt = new Map<number, number>()
  const live = defineHandler('notes.live', {
    on: NoteTaken,
    handle: ({ data }) => void takenAt.set(data.n, Date.now()),
  })
  const old = opened(live)
  onTestFinished(() => old.close())
  await old.migrate()
  await writeHistory(connectionString)

  const oldWorker = old.worker()
  await oldWorker.start()
  onTestFinished(async () => void (await oldWorker.stop()))
  const publisher = publishing((n) => old.publish(NoteTaken({ n, key: `k${n % KEYS}` })))
  await delay(QUIET_MS)
  const before = latencies(publisher.sentAt, takenAt)

  const problems: string[] = []
  const last = new Int32Array(KEYS)
  let handled = 0
  const index = defineHandler('notes.index', {
    on: NoteTaken,
    delivery: 'log',
    backfill: { since: new Date(0) },
    handle({ data: { n } }) {
      const key = n % KEYS
      const wanted = last[key] === 0 ? (key === 0 ? KEYS : key) : last[key]! + KEYS
      if (n !== wanted) problems.push(`key ${key}: ${n} came, and not ${wanted}`)
      last[key] = n
      handled += 1
    },
  })
  const added = opened(live, index)
  onTestFinished(() => added.close())
  await added.migrate()
  const addedWorker = added.worker()
  const startedAt = performance.now()
  await addedWorker.start()
  onTestFinished(async () => void (await addedWorker.stop()))
  const sentBefore = publisher.sentAt.size
  await until('all of the history is handled', () => handled >= HISTORY, LIMIT_MS)
  const caughtUpMs = performance.now() - startedAt
  const during = latencies([...publisher.sentAt].slice(sentBefore), takenAt)
  await publisher.stop()
  await until('all that was published is handled', () => handled >= HISTORY + publisher.sentAt.size, 60_000)
  await until('all live events are handled', () => takenAt.size >= publisher.sentAt.size, 60_000)

  console.log(
    `catch-up: ${HISTORY} events in ${Math.round(caughtUpMs / 1_000)} s, beside ${publisher.sentAt.size} live ones; ` +
      `live p50 and p99 before ${before.join(' and ')} ms, meanwhile ${during.join(' and ')} ms`,
  )
  expect(problems).toEqual([])
  expect(handled).toBe(HISTORY + publisher.sentAt.size)
})

/** Writes the events by SQL: to publish them would take minutes. */
async function writeHistory(connectionString: string): Promise<void> {
  const pool = new Pool({ connectionString, max: 1 })
  for (let from = 1; from <= HISTORY; from += AT_A_TIME) {
    await pool.query(
      `insert into postbus.event (id, type, version, partition_key, payload, correlation_id, occurred_at)
      select gen_random_uuid(), '${NoteTaken.type}', 1, 'k' || n % ${KEYS},
        json_build_object('json', json_build_object('n', n, 'key', 'k' || n % ${KEYS})), 'history', now()
      from generate_series($1::integer, $2::integer) n order by n`,
      [from, from + AT_A_TIME - 1],
    )
  }
  await pool.query('vacuum analyze')
  await pool.end()
}

/** Publishes one event after the other until stopped. */
function publishing(publish: (n: number) => Promise<unknown>) {
  const sentAt = new Map<number, number>()
  const stopped = new AbortController()
  const over = (async () => {
    for (let n = HISTORY + 1; !stopped.signal.aborted; n += 1) {
      sentAt.set(n, Date.now())
      await publish(n)
      await delay(LIVE_EVERY_MS)
    }
  })()
  return {
    sentAt,
    async stop() {
      stopped.abort()
      await over
    },
  }
}

/** Returns the median and the 99th percentile of the times from publish to handler, in milliseconds. Events that no handler has got yet do not count. */
function latencies(sentAt: Iterable<readonly [number, number]>, takenAt: ReadonlyMap<number, number>) {
  const took = [...sentAt]
    .flatMap(([n, at]) => (takenAt.has(n) ? [takenAt.get(n)! - at] : []))
    .toSorted((a, b) => a - b)
  return [0.5, 0.99].map((share) => took[Math.floor(took.length * share)])
}
