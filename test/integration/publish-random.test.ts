/** A long random script of commits, rollbacks and savepoints: the rows, the events and the deliveries are always the same set. */
import type { PoolClient } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineHandler, type Envelope } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { emptyTables, storedDeliveries, storedEvents } from '../support/stored.ts'

const PUBLISHERS = 4
const TRANSACTIONS_EACH = 60

const Moved = defineEvent('stock.moved', {
  schema: z.object({ pieces: z.number() }),
  partitionKey: ({ pieces }) => (pieces % 2 === 0 ? `shelf ${pieces % 10}` : null),
})
const handlers = [
  defineHandler('stock.count', { on: Moved, handle: () => undefined }),
  defineHandler('stock.reorder', { on: Moved, interested: ({ data }) => data.pieces > 50, handle: () => undefined }),
]

let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers })
  await shop.database.query('create table movement (id uuid primary key, pieces integer not null)')
})

afterAll(() => shop.close())

/** To run a failed script again, replace the last seed by its seed. */
test.each([1, 2, Math.floor(Math.random() * 1e9)])(
  'with seed %i: the committed rows, the events and the deliveries are the same set',
  async (seed) => {
    await emptyTables(shop.database)
    await shop.database.query('truncate movement')

    const scripts = Array.from({ length: PUBLISHERS }, (_, publisher) => publishAtRandom(chance(seed + publisher)))
    const counts = await Promise.all(scripts)

    const { rows } = await shop.database.query<{ id: string; pieces: number }>('select id, pieces from movement')
    const events = await storedEvents(shop.database)
    const deliveries = await storedDeliveries(shop.database)
    const wanted = rows.flatMap(({ id, pieces }) => [
      `${id} stock.count`,
      ...(pieces > 50 ? [`${id} stock.reorder`] : []),
    ])
    expect(setOf(events.map(({ id }) => id))).toEqual(setOf(rows.map(({ id }) => id)))
    expect(setOf(deliveries.map(({ event, handler }) => `${event} ${handler}`))).toEqual(setOf(wanted))
    // The script has done its job: some steps were committed, and some were rolled back, completely or in part.
    expect(counts.some(({ rolledBack }) => rolledBack > 0)).toBe(true)
    expect(counts.some(({ partly }) => partly > 0)).toBe(true)
    expect(rows.length).toBeGreaterThan(PUBLISHERS * TRANSACTIONS_EACH * 0.5)
  },
)

interface Counts {
  rolledBack: number
  partly: number
}

async function publishAtRandom(random: () => number): Promise<Counts> {
  const counts = { rolledBack: 0, partly: 0 }
  const tx = await shop.database.connect()
  for (let turn = 0; turn < TRANSACTIONS_EACH; turn += 1) {
    await tx.query('begin')
    await writeAtRandom({ tx, random, counts, depth: 0 })
    const rollsBack = random() < 0.1
    if (rollsBack) counts.rolledBack += 1
    await tx.query(rollsBack ? 'rollback' : 'commit')
  }
  tx.release()
  return counts
}

interface Part {
  readonly tx: PoolClient
  readonly random: () => number
  readonly counts: Counts
  readonly depth: number
}

/** A few steps: a row with its event, several of them at once, or a savepoint with more steps in it. */
async function writeAtRandom(part: Part): Promise<void> {
  const { tx, random, counts, depth } = part
  for (let steps = Math.floor(random() * 3) + 1; steps > 0; steps -= 1) {
    const choice = random()
    if (choice < 0.5 || depth === 3) await move(tx, [anAmount(random)])
    else if (choice < 0.7) await move(tx, [anAmount(random), anAmount(random), anAmount(random)])
    else {
      await tx.query(`savepoint part_${depth}`)
      await writeAtRandom({ ...part, depth: depth + 1 })
      const rollsBack = random() < 0.4
      if (rollsBack) counts.partly += 1
      await tx.query(`${rollsBack ? 'rollback to' : 'release'} savepoint part_${depth}`)
    }
  }
}

async function move(tx: PoolClient, amounts: readonly number[]): Promise<void> {
  const events: Envelope<string, number, { pieces: number }>[] = amounts.map((amount) => Moved({ pieces: amount }))
  await shop.bus.publish(events, { tx })
  for (const { id, data } of events) await tx.query('insert into movement values ($1, $2)', [id, data.pieces])
}

function anAmount(random: () => number): number {
  return Math.floor(random() * 100)
}

function setOf(texts: readonly string[]): readonly string[] {
  return texts.toSorted()
}

/** mulberry32: the same numbers for the same seed. */
function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
