/** Batches of transactional handlers: one commit for all done deliveries, and nothing from the others. */
import type { PoolClient } from 'pg'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { discard, failed, type Bus } from '../../src/index.ts'
import type { TestBus } from '../support/bus.ts'
import {
  batchBusWith,
  effects,
  emptyEffects,
  left,
  openEffects,
  storedEvents,
  type DoesBatch,
  type How,
} from '../support/effects.ts'
import { NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'

const NOTHING_LEFT = { deliveries: 0, completions: 0 }
let opened: TestBus

beforeAll(async () => {
  opened = await openEffects({ ownServer: true })
  return () => opened.close()
})

beforeEach(async () => {
  await emptyEffects()
  await opened.database.query('truncate postbus.log_handler, postbus.log_cursor, postbus.log_reader, postbus.handler')
})

describe.each([
  ['as deliveries', {}],
  ['from the log', { delivery: 'log', shards: 2 }],
] as const)('%s', (_way, delivery) => {
  test('a batch is one commit, including the events that it publishes', async () => {
    let transactions = 0
    await using bus = await batchBus(
      delivery,
      (numbers, { publish }, [first]) =>
        numbers.includes(1) && publish(NoteTaken({ n: 10, key: 'ten' }), { causedBy: first! }),
      { afterCommit: async () => void (transactions += 1) },
    )
    await bus.publish([1, 2, 3].map((n) => NoteTaken({ n, key: 'one' })))

    await worked(bus)

    expect([await effects(), await left()]).toEqual([['1/1', '2/1', '3/1', '10/1'], NOTHING_LEFT])
    expect([transactions, await storedEvents()]).toEqual([2, 4])
  })

  test('a failed delivery and the ones behind it commit nothing, and the others commit once', async () => {
    const runs: (readonly number[])[] = []
    await using bus = await batchBus(delivery, (numbers, { outcomes, deliveryOf }, events) => {
      runs.push(numbers)
      const second = events.find((event) => event.data.n === 2 && deliveryOf(event).attempt === 1)
      if (second) outcomes.set(second, failed('not now'))
    })
    await bus.publish([1, 2, 3].map((n) => NoteTaken({ n, key: 'one' })))
    await bus.publish(NoteTaken({ n: 4, key: 'two' }))

    await worked(bus)

    expect(runs.slice(0, 2).map((run) => run.toSorted((one, other) => one - other))).toEqual([
      [1, 2, 3, 4],
      [1, 4],
    ])
    expect([await effects(), await left()]).toEqual([['1/1', '2/2', '3/1', '4/1'], NOTHING_LEFT])
  })

  test('if the claims are lost while the batch runs, it is rolled back, and its effects happen once', async () => {
    let runs = 0
    const loses: DoesBatch = async () => {
      runs += 1
      if (runs === 1) await loseClaims()
    }
    await using bus = await batchBus(delivery, loses, { isolation: 'repeatable read' })
    await bus.publish([1, 2].map((n) => NoteTaken({ n, key: 'one' })))

    await worked(bus)

    expect((await effects()).map((one) => one.split('/')[0])).toEqual(['1', '2'])
    expect([runs > 1, await left()]).toEqual([true, NOTHING_LEFT])
  })
})

describe('common to both', () => {
  test('a discarded delivery lets its lane go on, and leaves nothing', async () => {
    await using bus = await batchBus({}, (_, { outcomes }, events) => {
      for (const event of events) if (event.data.n === 2) outcomes.set(event, discard('never'))
    })
    await bus.publish([1, 2, 3].map((n) => NoteTaken({ n, key: 'one' })))

    await worked(bus)

    expect([await effects(), await left(), await bus.deadLetters.count()]).toEqual([['1/1', '3/1'], NOTHING_LEFT, 1])
  })

  test('an error rolls the whole batch back, and so does a conflict, which uses no attempt', async () => {
    let runs = 0
    await using bus = await batchBus({}, async (_, { tx }) => {
      runs += 1
      if (runs === 1) throw new Error('not now')
      if (runs === 2) await (tx as PoolClient).query(`do $$ begin raise exception using errcode = '40001'; end $$`)
    })
    await bus.publish([NoteTaken({ n: 1 }), NoteTaken({ n: 2 })])

    await worked(bus)

    expect([await effects(), await left()]).toEqual([['1/2', '2/2'], NOTHING_LEFT])
  })

  test('an event that another worker has committed meanwhile is left out of the commit', async () => {
    let isFirst = true
    await using bus = await batchBus({}, async (_numbers, { deliveryOf }, events) => {
      const second = events.find((event) => event.data.n === 2)
      if (isFirst && second)
        await opened.database.query('insert into postbus.completion (delivery) values ($1)', [
          deliveryOf(second).deliveryId,
        ])
      isFirst = false
    })
    await bus.publish([1, 2, 3].map((n) => NoteTaken({ n, key: 'one' })))

    await worked(bus)

    expect([await effects(), await left()]).toEqual([['1/1', '3/1'], NOTHING_LEFT])
  })

  test('if the reply to a commit is lost, the worker looks it up, and the deliveries are done', async () => {
    await using bus = await batchBus({}, () => undefined, { afterCommit: () => Promise.reject(new Error('lost')) })
    await bus.publish([NoteTaken({ n: 1 }), NoteTaken({ n: 2 })])

    await worked(bus)

    expect([await effects(), await left()]).toEqual([['1/1', '2/1'], NOTHING_LEFT])
  })
})

async function batchBus(options: object, does: DoesBatch, how: How = {}): Promise<Bus> {
  const bus = batchBusWith(does, options, how)
  await bus.migrate()
  return bus
}

/** As if another worker had taken over. */
async function loseClaims(): Promise<void> {
  await opened.database.query('update postbus.log_cursor set fence = fence + 1')
  await opened.database.query(
    `update pgboss.job set state = 'retry', started_on = null, heartbeat_on = null, retry_count = 1 where state = 'active'`,
  )
}

async function worked(bus: Bus): Promise<void> {
  await using worker = bus.worker({ pollMs: 50 })
  await worker.start()
  await until('all is done', async () => (await behind()) === 0 && (await left()).deliveries === 0)
}

async function behind(): Promise<number> {
  const { rows } = await opened.database.query(
    'select from postbus.log_cursor one where one.position < (select max(seq) from postbus.event)',
  )
  return rows.length
}
