/** One bug has blocked a thousand keys, with a hundred events waiting behind each. One command releases all of them, in order. */
import { beforeAll, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { handlerThat, NoteTaken } from '../../support/notes.ts'
import { until } from '../../support/until.ts'

const KEYS = 1_000
const BEHIND = 100
const PER_SECOND = 200

let hasBug = true
const runs: string[] = []
const handlers = [
  handlerThat(
    (n, { log }) => {
      if (hasBug) throw new TypeError('the bug')
      log.debug('ran')
      runs.push(`${n}`)
    },
    { name: 'notes.take', maxAttempts: 1, onDead: 'block', queue: 'notes' },
  ),
]
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({ handlers, onSignal: () => undefined })
  return () => opened.close()
})

test('after a preview, one throttled command releases 1,000 blocked keys, each with 100 events behind its head', async () => {
  for (let turn = 0; turn <= BEHIND; turn += 1) {
    await opened.bus.publish(
      Array.from({ length: KEYS }, (_, key) => NoteTaken({ n: turn * KEYS + key, key: `key ${key}` })),
    )
  }
  const worker = opened.bus.worker({ queues: { notes_partitioned: 100 } })
  await worker.start()
  await until('all keys are blocked', async () => (await opened.bus.deadLetters.count()) === KEYS, 120_000)
  hasBug = false

  const bug = { handler: 'notes.take', error: 'TypeError' }
  const preview = await opened.bus.lanes.retryAll(bug, { preview: true })
  const ranInPreview = runs.length
  const began = performance.now()
  const done = await opened.bus.lanes.retryAll(bug, { ratePerSecond: PER_SECOND, by: 'ada', reason: 'mended' })
  const tookMs = performance.now() - began
  await until('all are handled', () => runs.length === KEYS * (BEHIND + 1), 300_000)
  await worker.stop()

  console.log(`blocked lanes: ${runs.length} deliveries, the command took ${Math.round(tookMs)} ms`)
  expect({ preview, ranInPreview, done }).toMatchObject({
    preview: { count: KEYS },
    ranInPreview: 0,
    done: { count: KEYS },
  })
  expect(tookMs).toBeGreaterThan((1_000 * KEYS) / PER_SECOND - 1_000)
  expect(outOfOrder()).toEqual([])
  expect(await opened.bus.deadLetters.count()).toBe(0)
  expect((await opened.bus.acts.list({ act: 'lanes.retryAll' })).acts).toMatchObject([{ count: KEYS, by: 'ada' }])
})

/** Lists the runs out of order: each key must run every event once, from its first to its last. */
function outOfOrder(): readonly string[] {
  const next = new Map<number, number>()
  return runs.filter((run) => {
    const [key, turn] = [Number(run) % KEYS, Math.floor(Number(run) / KEYS)]
    const expected = next.get(key) ?? 0
    next.set(key, expected + 1)
    return turn !== expected
  })
}
