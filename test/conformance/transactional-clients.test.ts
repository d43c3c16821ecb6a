/** What a transactional handler promises, it promises with the transactions of every database client that publish accepts. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBus, defineHandler, type PublishTransaction } from '../../src/index.ts'
import { openTransaction } from '../../src/transactions/open-transaction.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { clients } from '../support/clients.ts'
import { NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus()
  await opened.database.query('create table effect (n integer primary key, attempt integer)')
})

afterAll(() => opened.close())

/** The first attempt at an odd number fails, after it has written: by an error, or by a conflict with another transaction. */
const handler = defineHandler('notes.take', {
  on: NoteTaken,
  transactional: true,
  backoff: { initialMs: 1, factor: 1, jitter: 0 },
  async handle({ data: { n, key } }, { tx, attempt, publish }) {
    await run(tx, 'insert into effect values ($1::text::integer, $2::text::integer)', [String(n), String(attempt)])
    if (n === 1 && attempt === 1) throw new Error('once more')
    if (n === 3 && conflicts++ === 0)
      await run(tx, `select pg_catalog.array_position(array[1], (1 / 0))`).catch(deadlock)
    if (n < 10) await publish(NoteTaken({ n: n + 10, key }))
  },
})
let conflicts = 0

function deadlock(): never {
  throw Object.assign(new Error('deadlock detected'), { code: '40P01' })
}

describe.each(clients)('$name', ({ open }) => {
  test('effects, what is published and the end of the delivery are there once each, in order of the key', async () => {
    await emptyTables(opened.database)
    await opened.database.query('truncate effect')
    conflicts = 0
    const client = await open(opened.connectionString)
    await using bus = createBus({
      connectionString: opened.connectionString,
      handlers: [handler],
      onSignal: () => undefined,
      transaction: (work) => client.inTransaction(({ tx }) => work(tx)),
    })
    const notes = [1, 2, 3].map((n) => NoteTaken({ n, key: n === 3 ? null : 'a' }))
    await bus.publish(notes)

    const worker = bus.worker({ pollMs: 50 })
    await worker.start()
    await Promise.all(notes.map(({ id }) => bus.events.whenFinished(id, { includeCaused: true, timeoutMs: 20_000 })))
    await worker.stop()
    await client.close()

    const { rows } = await opened.database.query('select n, attempt from effect order by n')
    expect(rows.map(({ n, attempt }) => `${n}/${attempt}`)).toEqual(['1/2', '2/1', '3/1', '11/1', '12/1', '13/1'])
    expect(worker.counts()).toMatchObject({ done: 6, failed: 1, dead: 0 })
    expect((await opened.database.query('select from postbus.completion')).rowCount).toBe(0)
  })
})

function run(tx: PublishTransaction, text: string, values: readonly unknown[] = []): Promise<unknown> {
  return openTransaction(tx).executeSql(text, values)
}
