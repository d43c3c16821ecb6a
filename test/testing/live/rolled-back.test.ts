/** Draining inside a transaction that the test rolls back, with any client: everything runs, and the rollback undoes all of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { Client } from 'pg'
import {
  createBus,
  defineHandler,
  failed,
  shadow,
  type HandlerContext,
  type HandlerOptions,
} from '../../../src/index.ts'
import { openTransaction } from '../../../src/transactions/open-transaction.ts'
import { drainEvents } from '../../../src/testing/drain/drain.ts'
import { advanceTime, currentTime } from '../../../src/testing/time/time.ts'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { clients } from '../../support/clients.ts'
import type { OpenClient } from '../../support/clients/open-client.ts'
import { anotherBus, handlerThat, NoteTaken, type Doing } from '../../support/notes.ts'
import { storedCounts } from '../../support/stored.ts'

let opened: TestBus
const rollback = new Error('rolled back by the test')

beforeAll(async () => {
  opened = await openTestBus()
  await opened.database.query('create table note (n integer)')
})

afterAll(() => opened.close())

describe.each(clients)('$name', ({ open }) => {
  let client: OpenClient

  beforeEach(async () => {
    client = await open(opened.connectionString)
    return () => client.close()
  })

  test('deliveries are claimed, handled, retried, buried and settled, and then rolled back', async () => {
    const runs: string[] = []
    const bus = aBus(async (n, { attempt, publish, tx }) => {
      runs.push(`${n}.${attempt}`)
      await write(tx, n)
      if (n === 1 && attempt < 3) throw new Error('not yet')
      if (n === 2) return failed('never')
      if (n < 9) await publish(NoteTaken({ n: 9 }))
      return undefined
    })

    const seen: unknown[] = []
    const work = client.inTransaction(async ({ tx }) => {
      await bus.publish([NoteTaken({ n: 1 }), NoteTaken({ n: 2, key: 'red' }), NoteTaken({ n: 3, key: 'red' })], { tx })
      seen.push(await drainEvents({ bus, tx, withRetries: true }))
      seen.push((await read(tx)).map(({ n }) => n))
      throw rollback
    })

    await expect(work).rejects.toThrow(rollback)
    expect(seen).toEqual([{ done: 4, failed: 2 + 4, dead: 1, snoozed: 0 }, [1, 3, 9, 9]])
    expect(runs.filter((run) => !run.startsWith('9'))).toEqual(expect.arrayContaining(['1.3', '2.5', '3.1']))
    expect(await storedCounts(opened.database)).toEqual({ events: 0, deliveries: 0 })
    expect((await opened.database.query('select from postbus.dead_letter')).rowCount).toBe(0)
    expect((await opened.database.query('select from note')).rowCount).toBe(0)
  })

  test('a shadow fetches data that are not committed', async () => {
    const fetched: unknown[] = []
    const index = defineHandler('notes.index', {
      on: shadow(NoteTaken),
      handle: async (event) => void fetched.push('data' in event, (await event.fetch()).data.n),
    })
    const bus = anotherBus(opened, [index])
    onTestFinished(() => bus.close())

    const work = client.inTransaction(async ({ tx }) => {
      await bus.publish([NoteTaken({ n: 1 }), NoteTaken({ n: 2, key: 'red' })], { tx })
      await drainEvents({ bus, tx })
      throw rollback
    })

    await expect(work).rejects.toThrow(rollback)
    expect(fetched).toEqual([false, 1, false, 2])
  })
})

describe('with pg', () => {
  let tx: Client

  beforeEach(async () => {
    tx = new Client({ connectionString: opened.connectionString })
    await tx.connect()
    await tx.query('begin')
    return async () => {
      await tx.query('rollback')
      await tx.end()
    }
  })

  test('events of one transaction are handled in the order of publishing, though all are due at the same time', async () => {
    const runs: number[] = []
    const bus = aBus((n) => runs.push(n))
    for (let n = 0; n < 30; n += 1) await bus.publish(NoteTaken({ n }), { tx })

    await drainEvents({ bus, tx })

    expect(runs).toEqual(Array.from({ length: 30 }, (_, n) => n))
  })

  test('writes of a failed attempt are undone, and a failed statement does not abort the transaction', async () => {
    const bus = aBus(async (n, { attempt, tx: given }) => {
      await write(given, n * 10 + attempt)
      if (attempt === 1) await tx.query('select 1 / 0')
    })
    await bus.publish(NoteTaken({ n: 1 }), { tx })

    const counts = await drainEvents({ bus, tx, withRetries: true })

    expect(counts).toEqual({ done: 1, failed: 1, dead: 0, snoozed: 0 })
    expect(await read(tx)).toEqual([{ n: 12 }])
  })

  test('a handler that catches the error of a statement is named', async () => {
    const bus = aBus(async () => void (await tx.query('select 1 / 0').catch(() => undefined)))
    await bus.publish(NoteTaken({ n: 1 }), { tx })

    const draining = drainEvents({ bus, tx })

    await expect(draining).rejects.toMatchObject({
      code: 'POSTBUS_TRANSACTION_ABORTED',
      message: expect.stringContaining('"notes.take"'),
    })
  })

  test('after a dead head the rest of its lane is handled, without moving time', async () => {
    const runs: number[] = []
    const does = (n: number) => {
      runs.push(n)
      if (n === 1) throw new Error('dead at once')
    }
    const bus = aBus(does, { maxAttempts: 1 })

    await bus.publish(
      [1, 2, 3].map((n) => NoteTaken({ n, key: 'red' })),
      { tx },
    )

    const counts = await drainEvents({ bus, tx })

    expect(runs).toEqual([1, 2, 3])
    expect(counts).toEqual({ done: 2, failed: 0, dead: 1, snoozed: 0 })
  })

  test('the transaction’s time stands still until the test moves it, and moves for no one else', async () => {
    const { bus } = opened
    const [one, other] = [await currentTime({ bus, tx }), await currentTime({ bus, tx })]

    await advanceTime({ hours: 1 }, { bus, tx })

    expect(one).toEqual(other)
    expect((await currentTime({ bus, tx })).getTime() - one.getTime()).toBe(3_600_000)
    expect(Math.abs((await currentTime({ bus })).getTime() - Date.now())).toBeLessThan(60_000)
  })

  test('events from before the transaction are due at once, later ones as soon as time moves', async () => {
    const runs: number[] = []
    const bus = aBus((n) => runs.push(n))
    onTestFinished(async () => void (await opened.database.query('truncate postbus.event, pgboss.job')))
    await bus.publish(NoteTaken({ n: 1 }))
    await tx.query('rollback; begin')
    await bus.publish(NoteTaken({ n: 2 }))

    const before = [await drainEvents({ bus, tx }), [...runs]]
    const after = [await drainEvents({ bus, tx, withRetries: true }), [...runs]]

    const { rows } = await opened.database.query('select state from pgboss.job')
    expect(before).toEqual([{ done: 1, failed: 0, dead: 0, snoozed: 0 }, [1]])
    expect(after).toEqual([{ done: 1, failed: 0, dead: 0, snoozed: 0 }, [1, 2]])
    expect(rows).toEqual([{ state: 'created' }, { state: 'created' }])
  })

  test('a client without an open transaction is refused', async () => {
    await tx.query('rollback')

    await expect(drainEvents({ bus: opened.bus, tx })).rejects.toMatchObject({ code: 'POSTBUS_NOT_A_TRANSACTION' })
  })
})

test('a bus without a database, or a value that is not a bus, is refused with a way to fix it', async () => {
  const inMemory = createBus({ backend: 'mailbox' })

  const refused = { code: 'POSTBUS_NO_TEST_BUS', message: expect.stringContaining('drainEvents({ bus })') }
  await expect(drainEvents({ bus: inMemory })).rejects.toMatchObject(refused)
  await expect(drainEvents({ bus: {} as never })).rejects.toMatchObject(refused)
})

function aBus(does: Doing, options: HandlerOptions = {}) {
  const backoff = { initialMs: 60_000, factor: 1, jitter: 0 }
  const bus = anotherBus(opened, [handlerThat(does, { backoff, ...options })])
  onTestFinished(() => bus.close())
  return bus
}

/** Writes as an application does with its `context.tx`. */
async function write(tx: HandlerContext['tx'], n: number): Promise<void> {
  if (tx) await openTransaction(tx).executeSql(`insert into note values (${n})`, [])
}

async function read(tx: HandlerContext['tx']) {
  const { rows } = await openTransaction(tx).executeSql('select n from note order by n', [])
  return rows
}
