/**
 * Two workers never have the same shard: a worker cannot write for a shard that it has lost, and a worker that cannot reach the database
 * begins nothing more. Other tests here remove each safeguard, and show that it is needed.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { NOTHING_KNOWN, type LogStore } from '../../src/deliveries/log-reading.ts'
import type { Outcome } from '../../src/handlers/outcome.ts'
import { breakFunction } from '../support/break-function.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { logStoreOn, workerThatReads, type WorkerThatReads } from '../support/log-reading.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'

const ONE = '00000000-0000-7000-8000-000000000001'
const OTHER = '00000000-0000-7000-8000-000000000002'
const DEAD_AFTER_MS = 1_000
const DONE: Outcome = { is: 'done', result: undefined }
const handler = handlerThat(() => undefined, { delivery: 'log', shards: 1 })
let opened: TestBus
let ran: string[] = []
let intact = ''

beforeAll(async () => {
  opened = await openTestBus({ handlers: [handler] }, { ownServer: true })
  const { rows } = await opened.database.query<{ text: string }>(
    `select pg_get_functiondef('postbus.log_acknowledge'::regproc) as text`,
  )
  intact = rows[0]?.text ?? ''
})

// Not after each test: its workers end later than that.
beforeEach(async () => {
  ran = []
  await opened.database.query(intact)
  await opened.database.query('truncate postbus.log_handler, postbus.log_cursor, postbus.log_reader, pgboss.job')
  await opened.database.query('truncate postbus.handler, postbus.dead_letter')
})

afterAll(() => opened.close())

test('an acknowledgement for a shard that the worker has lost is not written', async () => {
  expect(await lateAcknowledgement()).toEqual({ isOurs: false, jobs: 0 })
})

test('a worker that was declared dead gets no shards, because they could not be freed again', async () => {
  const store = logStoreOn(opened.connectionString)
  await store.prepare([handler])

  expect(await store.take(ONE, 'notes.take', 1, [])).toEqual([])

  await store.beat(ONE, ['notes.take'])
  expect(await store.take(ONE, 'notes.take', 1, [])).toHaveLength(1)
})

test('without the fence a late acknowledgement would be written', async () => {
  await breakFunction(opened.database, 'postbus.log_acknowledge', {
    piece: 'one.owner = me and one.fence = moving.fence',
    replacement: 'true',
  })

  expect(await lateAcknowledgement()).toEqual({ isOurs: true, jobs: 1 })
})

test('a shard that returns to a worker has a new fence: an acknowledgement from before is not written', async () => {
  const store = logStoreOn(opened.connectionString)
  await store.prepare([handler])
  await store.beat(ONE, ['notes.take'])
  const [before] = await store.take(ONE, 'notes.take', 1, [])
  await store.beat(OTHER, ['notes.take'])
  const [between] = await store.take(OTHER, 'notes.take', 1, [{ id: ONE, beat: 0, handlers: ['notes.take'] }])
  await store.release(OTHER, [between!])
  await store.beat(ONE, ['notes.take'])
  const [now] = await store.take(ONE, 'notes.take', 1, [])

  const move = { from: now!.position, to: now!.position + 1, jobs: [], ended: [], completed: [], passed: [] }
  const late = await store.acknowledge(ONE, [{ ...move, cursor: before! }])
  const inTime = await store.acknowledge(ONE, [{ ...move, cursor: now! }])

  expect([late.has(0), inTime.has(0)]).toEqual([false, true])
})

test('a living worker that was declared dead learns with its next beat that it has lost its shards', async () => {
  const store = logStoreOn(opened.connectionString)
  await store.prepare([handler])
  const first = await store.beat(ONE, ['notes.take'])
  await store.take(ONE, 'notes.take', 1, [])
  await store.beat(OTHER, ['notes.take'])
  await store.take(OTHER, 'notes.take', 1, [{ id: ONE, beat: 0, handlers: ['notes.take'] }])

  const { cursors } = await store.beat(ONE, ['notes.take'])

  expect(first.cursors.map(({ owner }) => owner)).toEqual([null])
  expect(cursors.map(({ owner }) => owner)).toEqual([OTHER])
})

test('a worker that has sent a beat meanwhile keeps its shards', async () => {
  const store = logStoreOn(opened.connectionString)
  await store.prepare([handler])
  await store.beat(ONE, ['notes.take'])
  await store.take(ONE, 'notes.take', 1, [])
  await store.beat(ONE, ['notes.take'])

  const taken = await store.take(OTHER, 'notes.take', 1, [{ id: ONE, beat: 0, handlers: ['notes.take'] }])

  expect(taken).toEqual([])
})

test('a worker whose beats get no answer begins nothing more, and another worker goes on', async () => {
  expect(await cutOff({ deadAfterMs: DEAD_AFTER_MS })).toEqual(['one 1', 'other 2'])
})

test('if the worker did not stop by itself, both workers would read', async () => {
  expect(await cutOff({ deadAfterMs: 3_600_000 })).toEqual(['one 1', 'one 2', 'other 2'])
})

test('after three deaths of its workers, a shard writes its next group as deliveries, which count their attempts', async () => {
  const store = logStoreOn(opened.connectionString)
  await store.prepare([handler])
  await opened.database.query('update postbus.log_cursor set deaths = 3')
  await opened.bus.publish([NoteTaken({ n: 1, key: 'a' }), NoteTaken({ n: 2 })])

  const worker = await reading('one', { store })
  worker.start()

  await until('they are deliveries', async () => (await jobs()) === 2)
  await opened.bus.publish(NoteTaken({ n: 3 }))
  await until('it goes on in the log', () => ran.length === 1)
  expect(ran).toEqual(['one 3'])
})

test('a key is read again only when its lane is empty', async () => {
  expect(await behindAFailure(logStoreOn(opened.connectionString))).toEqual(['one 1', 'one 3'])
})

test('without the look into its lane, a key would overtake waiting deliveries', async () => {
  const store: LogStore = { ...logStoreOn(opened.connectionString), liveOf: async () => new Set() }

  expect(await behindAFailure(store)).toEqual(['one 1', 'one 2', 'one 3'])
})

/** Fails the first event of a key, while no worker handles deliveries. Returns what was then read from the log. */
async function behindAFailure(store: LogStore): Promise<readonly string[]> {
  const worker = await reading('one', { store, fails: 1 })
  worker.start()
  await until('it has the shard', async () => (await owners()).every((owner) => owner !== null))
  await opened.bus.publish(NoteTaken({ n: 1, key: 'a' }))
  await until('its delivery is written', async () => (await jobs()) === 1)
  await opened.bus.publish([NoteTaken({ n: 2, key: 'a' }), NoteTaken({ n: 3, key: 'b' })])
  await until('the other key is read', () => ran.includes('one 3'))
  return ran
}

/** The worker can then only read, and counts itself as alive for `deadAfterMs`. Another worker takes its shard. Returns what ran. */
async function cutOff({ deadAfterMs }: { readonly deadAfterMs: number }): Promise<readonly string[]> {
  const real = logStoreOn(opened.connectionString)
  let isCut = false
  let read = 0
  const refuse = () => Promise.reject(new Error('cut off'))
  const store: LogStore = {
    ...real,
    beat: (...what) => (isCut ? refuse() : real.beat(...what)),
    acknowledge: (...what) => (isCut ? refuse() : real.acknowledge(...what)),
    async read(piece) {
      const found = await real.read(piece)
      read += found.length
      return found
    },
  }
  const one = await reading('one', { store, deadAfterMs })
  one.start()
  await until('it has the shard', async () => (await owners()).every((owner) => owner !== null))
  await opened.bus.publish(NoteTaken({ n: 1, key: 'a' }))
  const [owner] = await owners()
  await until('it reads, and has said so', async () => ran.length === 1 && (await isAcknowledged()))

  isCut = true
  const other = await reading('other', { store: real })
  other.start()
  await until('another one has the shard', async () => (await owners())[0] !== owner)
  await opened.bus.publish(NoteTaken({ n: 2, key: 'a' }))
  await until('both have read it', () => read === 2 && ran.includes('other 2'))
  return ran.toSorted()
}

async function isAcknowledged(): Promise<boolean> {
  const { rows } = await opened.database.query(
    'select from postbus.log_cursor where position = (select max(seq) from postbus.event)',
  )
  return rows.length > 0
}

async function lateAcknowledgement() {
  const store = logStoreOn(opened.connectionString)
  await store.prepare([handler])
  await opened.bus.publish(NoteTaken({ n: 1, key: 'a' }))
  const { taken: to } = await store.look(NOTHING_KNOWN)
  await store.beat(ONE, ['notes.take'])
  const [cursor] = await store.take(ONE, 'notes.take', 1, [])
  const from = cursor!.position
  await store.beat(OTHER, ['notes.take'])
  await store.take(OTHER, 'notes.take', 1, [{ id: ONE, beat: 0, handlers: ['notes.take'] }])

  const jobsOf = [{ seq: to, isHeld: false, replay: null }]
  const ours = await store.acknowledge(ONE, [
    { cursor: cursor!, from, to, jobs: jobsOf, ended: [], completed: [], passed: [] },
  ])
  return { isOurs: ours.has(0), jobs: await jobs() }
}

interface Reading extends Pick<WorkerThatReads, 'store' | 'deadAfterMs'> {
  readonly fails?: number
}

function reading(name: string, { store, fails, deadAfterMs = DEAD_AFTER_MS }: Reading) {
  return workerThatReads({
    store,
    handler,
    beatMs: 50,
    deadAfterMs,
    async attempt({ event }) {
      const { n } = (JSON.parse(event?.payload ?? '{}') as { json: { n: number } }).json
      ran.push(`${name} ${n}`)
      return n === fails ? { is: 'retry', delayMs: 60_000, error: new Error('no') } : DONE
    },
  })
}

async function owners(): Promise<readonly (string | null)[]> {
  const { rows } = await opened.database.query<{ owner: string | null }>('select owner from postbus.log_cursor')
  return rows.map(({ owner }) => owner)
}

async function jobs(): Promise<number> {
  const { rows } = await opened.database.query(`select from pgboss.job where state < 'completed'`)
  return rows.length
}
