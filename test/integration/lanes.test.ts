/** Lanes at work: they run without pauses, share the slots, and recover from manual changes of their rows. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Worker } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { aSignal, handlerThat, NoteTaken, type Doing } from '../support/notes.ts'
import { until } from '../support/until.ts'

/** The poll interval is longer than a test, so nothing here happens because of a poll. */
const NO_POLL = { pollMs: 60_000 }

let does: Doing = () => undefined
let opened: TestBus
const workers: Worker[] = []

beforeEach(async () => {
  opened = await openTestBus({ handlers: [handlerThat((n, context) => does(n, context))] })
})

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()))
  await opened.close()
})

test('a key’s deliveries run one directly after the other, in order, without a poll in between', async () => {
  const runs: number[] = []
  does = (n) => void runs.push(n)
  await publish(range(200).map((n) => ({ n, key: 'hot' })))

  await aWorker(5)
  await until('all have run', () => runs.length === 200)

  expect(runs).toEqual(range(200))
})

test('a key with a long backlog leaves the other slots to other keys', async () => {
  const finish = aSignal()
  const runs: string[] = []
  does = async (n, { deliveryId }) => {
    runs.push(n < 1_000 ? 'hot' : `cold ${n}`)
    if (n < 1_000) await finish.promise
    return deliveryId
  }
  await publish(range(1_000).map((n) => ({ n, key: 'hot' })))
  await publish(range(50).map((n) => ({ n: 1_000 + n, key: `cold ${n}` })))

  await aWorker(3)
  await until('the others have run', () => runs.length === 51)
  finish.resolve()

  expect(runs.filter((run) => run === 'hot')).toHaveLength(1)
})

test('a worker with one slot interrupts a long run for an older delivery of another key', async () => {
  const runs: string[] = []
  does = (n) => void runs.push(n === 50 ? 'cold' : 'hot')
  for (const n of range(101)) await publish([{ n, key: n === 50 ? 'cold' : 'hot' }])

  await aWorker(1)
  await until('all have run', () => runs.length === 101)

  expect(runs.indexOf('cold')).toBeLessThan(70)
})

describe('a lane goes on', () => {
  test('after its head was deleted by hand while other deliveries were parked behind it', async () => {
    const finish = aSignal()
    const runs: number[] = []
    does = async (n) => {
      runs.push(n)
      if (n === 0) await finish.promise
    }
    await aWorker(3)
    await publish(range(4).map((n) => ({ n, key: 'red' })))
    await until('the first runs', () => runs.length === 1)
    await until('the others are parked', async () => (await parked()) === 3)

    await opened.database.query(`delete from pgboss.job where state = 'active'`)
    await until('the others have run', () => runs.length === 4)
    finish.resolve()

    expect(runs).toEqual([0, 1, 2, 3])
  })

  test('after all its deliveries were parked by mistake', async () => {
    const runs: number[] = []
    does = (n) => void runs.push(n)
    await publish(range(3).map((n) => ({ n, key: 'red' })))
    await opened.database.query('update pgboss.job set blocked = true')

    await aWorker(3)
    await until('all have run', () => runs.length === 3)

    expect(runs).toEqual([0, 1, 2])
  })
})

test('one of several workers does a sweep, and the next sweep visits further lanes', async () => {
  await publish(range(1_200).map((n) => ({ n, key: `key ${String(n).padStart(4, '0')}` })))
  const sweep = `select after_lane as lane from postbus.lane_sweep`
  const call = 'select postbus.sweep(500, 0)'

  const lanes: string[] = []
  for (let turn = 0; turn < 4; turn += 1) {
    await opened.database.query(call)
    lanes.push((await opened.database.query<{ lane: string }>(sweep)).rows[0]?.lane ?? 'none')
  }
  const { rows: early } = await opened.database.query(call.replace(', 0)', ', 3600) as found'))

  expect(lanes).toEqual(['notes.take:key 0499', 'notes.take:key 0999', '', 'notes.take:key 0499'])
  expect(early).toEqual([{ found: 0 }])
})

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, n) => n)
}

async function publish(notes: readonly { n: number; key: string }[]): Promise<void> {
  await opened.bus.publish(notes.map((note) => NoteTaken(note)))
}

async function aWorker(slots: number): Promise<void> {
  const worker = opened.bus.worker({ ...NO_POLL, queues: { events_partitioned: slots } })
  workers.push(worker)
  await worker.start()
}

async function parked(): Promise<number> {
  const { rows } = await opened.database.query('select from pgboss.job where blocked')
  return rows.length
}
