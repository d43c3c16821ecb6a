/** What a batch handler with everything at once promises, transactional and from the log, it promises in every backend that runs handlers. */
import { Kysely, PostgresDialect } from 'kysely'
import { expect, test } from 'vitest'
import { createBus, defineBatchHandler } from '../../src/index.ts'
import { openTestBus } from '../support/bus.ts'
import { NoteTaken } from '../support/notes.ts'

test.each(['postgres', 'inline'] as const)(
  '%s: its batches have the transaction in which their events are done',
  async (backend) => {
    await using opened = await openedBus()
    const read: unknown[] = []
    const storing = defineBatchHandler('notes.project', {
      on: NoteTaken,
      delivery: 'log',
      shards: 2,
      transactional: true,
      handle: (events, { tx }) => void read.push(...events.map(({ data }) => ({ n: data.n, hasTx: tx !== undefined }))),
    })
    const db = new Kysely({ dialect: new PostgresDialect({ pool: opened.database }) })
    await using bus = createBus({
      backend,
      connectionString: opened.connectionString,
      handlers: [storing],
      onSignal: () => undefined,
      transaction: (work) => db.transaction().execute(work),
    })
    if (backend === 'postgres') await bus.migrate()

    await bus.publish([1, 2].map((n) => NoteTaken({ n, key: 'one' })))
    if (backend === 'postgres') await bus.worker().drain()

    expect(read).toEqual([1, 2].map((n) => ({ n, hasTx: true })))
  },
)

async function openedBus() {
  const opened = await openTestBus()
  return { ...opened, [Symbol.asyncDispose]: () => opened.close() }
}
