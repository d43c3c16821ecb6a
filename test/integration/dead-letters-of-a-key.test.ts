/** The effect of a dead delivery on the others of its key: `onDead: 'continue'` goes on, `'block'` waits. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineHandler, discard } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { emptyTables, storedDeliveries } from '../support/stored.ts'
import { until } from '../support/until.ts'

const Moved = defineEvent('stock.moved', {
  schema: z.object({ shelf: z.string(), turn: z.number() }),
  partitionKey: (data) => data.shelf,
})

const runs: string[] = []
let isBroken = true
const continuing = handler('stock.continuing', 'continue')
const blocking = handler('stock.blocking', 'block')

function handler(name: string, onDead: 'continue' | 'block') {
  return defineHandler(name, {
    on: Moved,
    onDead,
    handle({ data, partitionKey }) {
      runs.push(`${name} ${partitionKey} ${data.turn}`)
      return isBroken && data.turn === 1 && data.shelf === 'left' ? discard('dropped') : undefined
    },
  })
}

let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers: [continuing, blocking] })
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  isBroken = true
  await shop.bus.publish([1, 2, 3].map((turn) => Moved({ shelf: 'left', turn })))
  await shop.bus.publish(Moved({ shelf: 'right', turn: 1 }))
  runs.length = 0
  await drained(shop.bus)
})

test('continue runs the next delivery of the key', () => {
  expect(runsOf('stock.continuing left')).toEqual(['1', '2', '3'])
})

test('block holds only its own handler’s deliveries of that key', async () => {
  expect(runsOf('stock.blocking left')).toEqual(['1'])
  expect(runsOf('stock.blocking right')).toEqual(['1'])
  expect(runsOf('stock.continuing right')).toEqual(['1'])

  const letters = (await shop.bus.deadLetters.list()).deadLetters
  expect(letters.map(({ handler: name, partitionKey, blocksKey }) => [name, partitionKey, blocksKey])).toEqual(
    expect.arrayContaining([
      ['stock.blocking', 'left', true],
      ['stock.continuing', 'left', false],
    ]),
  )
  const waiting = await liveDeliveries()
  expect(waiting).toHaveLength(3) // the dead one, parked, and the two behind it
})

test('deliveries of later events wait too', async () => {
  await shop.bus.publish(Moved({ shelf: 'left', turn: 4 }))

  await drained(shop.bus)

  expect(runsOf('stock.blocking left')).toEqual(['1'])
  expect(runsOf('stock.continuing left')).toEqual(['1', '2', '3', '4'])
})

describe('a blocked key', () => {
  test('goes on after a retry that succeeds, in order, beginning with the dead delivery', async () => {
    isBroken = false

    await shop.bus.deadLetters.retry({ handler: 'stock.blocking' })
    await drained(shop.bus)

    expect(runsOf('stock.blocking left')).toEqual(['1', '1', '2', '3'])
    expect(await liveDeliveries()).toEqual([])
  })

  test('stays blocked after a retry that fails', async () => {
    await shop.bus.deadLetters.retry({ handler: 'stock.blocking' })
    await drained(shop.bus)

    expect(runsOf('stock.blocking left')).toEqual(['1', '1'])
    const [letter] = (await shop.bus.deadLetters.list({ handler: 'stock.blocking' })).deadLetters
    expect(letter).toMatchObject({ blocksKey: true, partitionKey: 'left' })
  })

  test('goes on after the dead letter is dismissed, without the dead delivery', async () => {
    await shop.bus.deadLetters.dismiss({ handler: 'stock.blocking' })
    await drained(shop.bus)

    expect(runsOf('stock.blocking left')).toEqual(['1', '2', '3'])
    expect(await liveDeliveries()).toEqual([])
  })

  test.each(['retry', 'dismiss'] as const)('%s wakes a running worker', async (action) => {
    isBroken = false
    const worker = shop.bus.worker({ pollMs: 60_000 })
    await worker.start()
    await until('the worker listens', async () => (await listeners()) === 1)

    await shop.bus.deadLetters[action]({ handler: 'stock.blocking' })

    await until('the key goes on', () => runsOf('stock.blocking left').at(-1) === '3')
    expect((await shop.bus.deadLetters.list({ handler: 'stock.blocking' })).deadLetters).toEqual([])
    await worker.stop()
  })
})

test('a skipped delivery that is retried runs after the later ones of its key, which had gone on', async () => {
  isBroken = false

  await shop.bus.deadLetters.retry({ handler: 'stock.continuing' })
  await drained(shop.bus)

  expect(runsOf('stock.continuing left')).toEqual(['1', '2', '3', '1'])
})

function runsOf(lane: string): string[] {
  return runs.filter((run) => run.startsWith(`${lane} `)).map((run) => run.split(' ')[2] ?? '')
}

async function liveDeliveries() {
  return (await storedDeliveries(shop.database)).filter(({ state }) => state !== 'completed' && state !== 'failed')
}

async function listeners(): Promise<number> {
  const { rowCount } = await shop.database.query(
    `select from pg_stat_activity where datname = current_database() and query ilike 'listen%' and state = 'idle'`,
  )
  return rowCount ?? -1
}
