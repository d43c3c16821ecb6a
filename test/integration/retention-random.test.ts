/**
 * Publishers, workers, an operator and two pruners, all at once and at random, with a retention of zero: an event can be
 * pruned as soon as it has ended. Nothing is lost, and nothing is left in the end.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createBus, discard, failed, type AnyHandler } from '../../src/index.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { NOTHING, openAttic, type Attic } from '../support/pruning.ts'
import { until } from '../support/until.ts'

const FOR_MS = 6_000
/** On a busy machine the test goes on until at least this much has happened. */
const FEWEST = { published: 11, pruned: 6 }
const NAMES = ['random.plain', 'random.mail', 'random.block']
const PRUNE = `select * from postbus.prune('0', 50, '0', '0')`

let attic: Attic

beforeAll(async () => {
  attic = await openAttic()
})

afterAll(() => attic.close())

test('in any random order of actions, pruning loses nothing, and leaves nothing', async () => {
  const handled = new Set<string>()
  const given = new Set<string>()
  const bus = createBus({
    connectionString: attic.opened.connectionString,
    handlers: [
      randomly(NAMES[0] ?? '', handled),
      randomly(NAMES[1] ?? '', handled, { queue: 'mail' }),
      randomly(NAMES[2] ?? '', handled, { onDead: 'block' }),
    ],
    retentionMs: null,
    onSignal: () => undefined,
  })
  const published = new Set<number>()
  const again = new Map<string, number>()
  const wrong: unknown[] = []
  const giveUp = async (limit: number) => {
    const letters = (await bus.deadLetters.list({ limit })).deadLetters
    const { count } = await bus.deadLetters.dismiss({ deliveryIds: letters.map(({ deliveryId }) => deliveryId) })
    if (count !== letters.length) wrong.push({ count, letters })
    for (const letter of letters) given.add(`${letter.handler} ${again.get(letter.eventId ?? '')}`)
  }
  const worker = bus.worker({ pollMs: 50 })
  await worker.start()
  let pruned = 0
  const end = Date.now() + FOR_MS
  const isOver = () => Date.now() >= end && published.size >= FEWEST.published && pruned >= FEWEST.pruned

  await Promise.all([
    ...[0, 1].map((which) =>
      unless(isOver, async (turn) => {
        const n = turn * 2 + which
        const id = randomUUID()
        again.set(id, n)
        const tx = await attic.connect()
        await tx.query('set lock_timeout = 0') // it may have to wait for another publisher of the same id
        await tx.query('begin')
        const note = () => NoteTaken({ n, key: chance(0.5) ? `key ${n % 5}` : null }, { id })
        await bus.publish(note(), { tx })
        const commits = chance(0.8)
        if (chance(0.2)) await new Promise((resolve) => setTimeout(resolve, Math.random() * 100))
        await tx.query(commits ? 'commit' : 'rollback')
        await tx.end()
        if (commits) published.add(n)
      }),
    ),
    unless(isOver, async () => {
      const id = [...again.keys()][Math.floor(Math.random() * again.size)]
      const n = id === undefined ? undefined : again.get(id)
      if (id === undefined || n === undefined) return
      const [event] = (await bus.publish(NoteTaken({ n, key: null }, { id }))).events
      published.add(n)
      if (event && (event.duplicate ? event.deliveries !== 0 : event.deliveries !== NAMES.length)) wrong.push(event)
    }),
    unless(isOver, async () => {
      await bus.deadLetters.retry({ handler: NAMES[Math.floor(Math.random() * NAMES.length)] ?? '' })
      await giveUp(3)
    }),
    ...[0, 1].map(() =>
      unless(isOver, async () => {
        const { rows } = await attic.database.query<{ pruned: number }>(PRUNE)
        pruned += rows[0]?.pruned ?? 0
      }),
    ),
  ])
  await until('nothing waits any more', async () => {
    await giveUp(1_000)
    const { rows } = await attic.database.query(`select from pgboss.job where state < 'completed'`)
    return rows.length === 0
  })
  await worker.stop()
  await giveUp(1_000)
  await until('everything is pruned', async () => {
    await attic.database.query(PRUNE)
    return (await attic.stored()).events === 0
  })

  const lost = [...published].flatMap((n) =>
    NAMES.map((name) => `${name} ${n}`).filter((one) => !handled.has(one) && !given.has(one)),
  )
  expect({ lost, wrong }).toEqual({ lost: [], wrong: [] })
  expect(await attic.stored()).toEqual(NOTHING)
  await bus.close()
})

function randomly(name: string, handled: Set<string>, options = {}): AnyHandler {
  return handlerThat(
    (n) => {
      if (chance(0.1)) return discard('for good')
      if (chance(0.2)) return failed('for now')
      handled.add(`${name} ${n}`)
      return undefined
    },
    { name, maxAttempts: 2, ...options },
  )
}

function chance(of: number): boolean {
  return Math.random() < of
}

async function unless(isOver: () => boolean, act: (turn: number) => Promise<void>): Promise<void> {
  for (let turn = 0; !isOver(); turn += 1) {
    await act(turn)
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20))
  }
}
