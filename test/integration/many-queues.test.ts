/** A queue is only a name: a thousand of them cost an idle worker a few statements, and a server process no memory. */
import { readFile } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { defineHandler } from '../../src/index.ts'
import { openTestBus } from '../support/bus.ts'
import { NoteTaken } from '../support/notes.ts'

const QUEUES = 300

test(
  'an idle worker on 600 queues sends a few statements a second, and its sessions stay small',
  { timeout: 90_000 },
  async () => {
    const handled = new Set<number>()
    const handlers = Array.from({ length: QUEUES }, (_, n) =>
      defineHandler(`many.h${n}`, {
        on: NoteTaken,
        queue: `q${n}`,
        interested: ({ data }) => data.n === n,
        handle: ({ data }) => void handled.add(data.n),
      }),
    )
    const { bus, database, close } = await openTestBus({ handlers })
    onTestFinished(() => close())
    const worker = bus.worker()
    await worker.start()
    onTestFinished(() => worker.stop().then(() => undefined))
    await bus.publish(Array.from({ length: QUEUES }, (_, n) => NoteTaken({ n, key: n % 2 ? 'key' : null })))
    await expect.poll(() => handled.size, { timeout: 20_000 }).toBe(QUEUES)

    // Sessions report their statistics some seconds later, so the first looks may still include earlier work.
    await expect.poll(() => perSecond(database), { timeout: 25_000, interval: 0 }).toBeLessThan(20)
    for (const megabytes of await privateMemory(database)) expect(megabytes).toBeLessThan(60)
  },
)

interface Queryable {
  query<Row extends object>(text: string): Promise<{ rows: Row[] }>
}

const WINDOW_MS = 5_000

async function perSecond(database: Queryable): Promise<number> {
  const before = await transactions(database)
  await new Promise((resolve) => setTimeout(resolve, WINDOW_MS))
  return ((await transactions(database)) - before) / (WINDOW_MS / 1_000)
}

/** The number of ended transactions in this database, including this query's own. */
async function transactions(database: Queryable): Promise<number> {
  const { rows } = await database.query<{ count: string }>(
    'select xact_commit + xact_rollback as count from pg_stat_database where datname = current_database()',
  )
  return Number(rows[0]?.count)
}

/** The private memory of the bus's sessions, in MiB, if the system reports it. */
async function privateMemory(database: Queryable): Promise<readonly number[]> {
  const { rows } = await database.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database() and application_name like 'postbus%'`,
  )
  const texts = await Promise.all(rows.map(({ pid }) => readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')))
  return texts.map((text) => Number(/Private_Dirty:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1_024)
}
