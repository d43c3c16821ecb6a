/** Transactional handlers that read the log: the effects and the end of an event are one commit, which the cursor's fence protects. */
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Kysely, PostgresDialect } from 'kysely'
import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { idOfDelivery } from '../../src/backends/postgres/deliveries/delivery-id.ts'
import { createBus, failed, skip, type AnyHandler, type Bus } from '../../src/index.ts'
import type { TestBus } from '../support/bus.ts'
import { busWith, effects, emptyEffects, left, openEffects, type Does, type How } from '../support/effects.ts'
import { NoteTaken } from '../support/notes.ts'
import { writeReadmeBlocks } from '../support/readme-blocks.ts'
import { until } from '../support/until.ts'

const NOTHING_LEFT = { deliveries: 0, completions: 0 }
let opened: TestBus

beforeAll(async () => {
  opened = await openEffects({ ownServer: true })
  return () => opened.close()
})

beforeEach(async () => {
  await emptyEffects()
  await opened.database.query('truncate postbus.log_handler, postbus.log_cursor, postbus.log_reader')
})

test('done events commit with their effects, once each and in order, and leave no delivery', async () => {
  await using bus = await readingBus(() => undefined)
  await publish(bus, [1, 2, 3])
  await bus.publish(NoteTaken({ n: 4 }))

  await worked(bus)

  expect([await effects(), await left()]).toEqual([['1/1', '2/1', '3/1', '4/1'], NOTHING_LEFT])
})

test('a failed event is rolled back and comes again in its lane, and a skipped one is recorded', async () => {
  await using bus = await readingBus((n, { attempt }) => {
    if (n === 1 && attempt === 1) return failed('not now')
    return n === 3 ? skip('nothing to do') : undefined
  })
  await publish(bus, [1, 2])
  await bus.publish(NoteTaken({ n: 3 }))

  await worked(bus)

  const { rows } = await opened.database.query('select detail from postbus.history where outcome is not null')
  expect(rows).toEqual([{ detail: { reason: 'nothing to do' } }])
  expect([await effects(), await left()]).toEqual([['1/2', '2/1', '3/1'], NOTHING_LEFT])
})

test('an event that takes longer is still committed once, and the next one after it', async () => {
  await using bus = await readingBus((n, _, tx) => n === 1 && tx.query('select pg_sleep(0.5)'))
  await publish(bus, [1, 2])

  await worked(bus)

  expect([await effects(), await left()]).toEqual([['1/1', '2/1'], NOTHING_LEFT])
})

test.each(['read committed', 'serializable'])(
  'under %s, losing a shard while the handler runs rolls its effects back, and the next owner has them once',
  async (isolation) => {
    let runs = 0
    await using bus = await readingBus(() => (runs++ === 0 ? loseShards() : undefined), {}, { isolation })
    await publish(bus, [1])

    await worked(bus)

    expect([await effects(), runs, await left()]).toEqual([['1/1'], 2, NOTHING_LEFT])
  },
)

test('an event that is committed but not acknowledged is not run again', async () => {
  const ran: number[] = []
  await using bus = await readingBus((n) => void ran.push(n))
  const events = await publish(bus, [1, 2])
  await completedBefore(events[0]!)

  await worked(bus)

  expect([ran, await effects(), await left()]).toEqual([[2], ['2/1'], NOTHING_LEFT])
})

test.each([
  ['before it asks for the commit', (hang: () => Promise<void>) => ({ does: hang })],
  ['between its question and the commit', (hang: () => Promise<void>) => ({ beforeCommit: hang })],
] as const)('if two workers run an event, because the first one lost it %s, one commits', async (_, hanging) => {
  const [hangs, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const { does, beforeCommit }: { does?: Does; beforeCommit?: () => Promise<void> } = hanging(async () => {
    hangs.resolve()
    await goOn.promise
  })
  await using first = await readingBus(does ?? (() => undefined), {}, { ...(beforeCommit && { beforeCommit }) })
  let runs = 0
  await using second = await readingBus(() => void (runs += 1))
  await using one = first.worker()
  await one.start()
  await publish(first, [1])
  await hangs.promise

  await opened.database.query('delete from postbus.log_reader')
  await loseShards('null')
  await using other = second.worker()
  await other.start()
  await until('the other one runs it', () => runs === 1)
  if (does) await passed()
  goOn.resolve()
  await one.stop()
  await passed()

  expect([await effects(), await left()]).toEqual([['1/1'], NOTHING_LEFT])
})

test('a rewind runs done events again, including events that were not acknowledged before', async () => {
  await using bus = await readingBus(() => undefined)
  const events = await publish(bus, [1, 2])
  await worked(bus)

  await completedBefore(events[1]!)
  await bus.log.rewind({ handler: 'notes.take', to: events[0]!.id }, { by: 'test', reason: 'again' })
  await worked(bus)

  expect([await effects(), await left()]).toEqual([['1/1', '1/1', '2/1', '2/1'], NOTHING_LEFT])
})

test('the blocks of docs/log-handlers.md run, and their sums are right', async () => {
  const blocks = writeReadmeBlocks('log-handlers', '', 'docs/log-handlers.md')
  onTestFinished(() => blocks.remove())
  const OrderCreated = `import { z } from 'zod'
    import { defineEvent } from '../../../src/index.ts'
    export const OrderCreated = defineEvent('orders.order-created', { schema: z.object({ orderId: z.string(), total: z.number() }) })`
  await writeFile(`${blocks.folder}/events.ts`, OrderCreated)
  const load = (file: string) => import(pathToFileURL(resolve(blocks.folder, file)).href)
  const handlers: AnyHandler[] = [(await load('reports.ts')).turnover, (await load('turnover.ts')).turnover]
  await opened.database.query('create table turnover as select 0 as total')
  const db = new Kysely({ dialect: new PostgresDialect({ pool: opened.database }) })
  await using bus = createBus({
    connectionString: opened.connectionString,
    handlers,
    onSignal: () => undefined,
    transaction: (work) => db.transaction().execute(work),
  })
  await bus.migrate()
  const order = (await load('events.ts')).OrderCreated

  await bus.publish([1, 2, 3].map((total) => order({ orderId: `o-${total}`, total })))
  await worked(bus)

  const { rows } = await opened.database.query('select total from turnover')
  expect(rows).toEqual([{ total: 12 }])
})

async function readingBus(does: Does, handler: object = {}, how: How = {}): Promise<Bus> {
  const bus = busWith(
    does,
    { delivery: 'log', shards: 2, backoff: { initialMs: 1, factor: 1, jitter: 0 }, ...handler },
    how,
  )
  await bus.migrate()
  return bus
}

async function publish(bus: Bus, numbers: readonly number[]) {
  const events = numbers.map((n) => NoteTaken({ n, key: 'one' }))
  await bus.publish(events)
  return events
}

/** Works until the log is read and no delivery is left. */
async function worked(bus: Bus): Promise<void> {
  await using worker = bus.worker({ pollMs: 50 })
  await worker.start()
  await passed()
}

function passed(): Promise<void> {
  return until('all is done', async () => (await behind()) === 0 && (await left()).deliveries === 0)
}

async function behind(): Promise<number> {
  const { rows } = await opened.database.query<{ count: number }>(
    `select count(*)::integer as count from postbus.log_cursor one where one.position < (select max(seq) from postbus.event)`,
  )
  return rows[0]!.count
}

/** As if another worker had taken the shards. With the owner unchanged they come back. */
function loseShards(owner = 'owner'): Promise<unknown> {
  return opened.database.query(`update postbus.log_cursor set fence = fence + 1, owner = ${owner}`)
}

/** As after a worker that died between its commit and its acknowledgement. */
async function completedBefore(event: { readonly id: string }): Promise<void> {
  const { rows } = await opened.database.query<{ seq: string }>(
    `select seq::text as seq from postbus.event where id = $1`,
    [event.id],
  )
  await opened.database.query('insert into postbus.completion (delivery) values ($1)', [
    idOfDelivery(rows[0]!.seq, 'notes.take'),
  ])
}
