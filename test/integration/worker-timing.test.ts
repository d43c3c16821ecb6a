/** When a worker acts: woken by a publish, at a poll, or after a backoff; and the arguments that a handler gets. */
import { expect, onTestFinished, test } from 'vitest'
import type { AnyHandler } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { handlerThat, NoteTaken, storedNotes } from '../support/notes.ts'
import { until } from '../support/until.ts'

test('a publish wakes an idle worker, with a key and without, also at its commit', async () => {
  const runs: number[] = []
  const opened = await aBus([handlerThat((n) => void runs.push(n))])
  const worker = opened.bus.worker({ pollMs: 60_000 })
  onTestFinished(async () => void (await worker.stop()))
  await worker.start()
  const tookMs: number[] = []

  for (const n of [1, 2, 3, 4]) {
    const startedAt = performance.now()
    const tx = await opened.database.connect()
    await tx.query('begin')
    await opened.bus.publish(NoteTaken({ n, key: n % 2 ? 'red' : null }), n > 2 ? { tx } : {})
    await tx.query('commit')
    tx.release()
    await until('it ran', () => runs.length === n)
    tookMs.push(performance.now() - startedAt)
  }

  expect(runs).toEqual([1, 2, 3, 4])
  expect(Math.min(...tookMs)).toBeLessThan(500)
  expect(Math.max(...tookMs)).toBeLessThan(5_000)
})

test('a delivery that no wake-up announced is found by the poll', async () => {
  const runs: number[] = []
  const opened = await aBus([handlerThat((n) => void runs.push(n))])
  await opened.bus.publish(NoteTaken({ n: 1 }))
  await opened.database.query(`update pgboss.job set start_after = now() + interval '1 hour'`)
  const worker = opened.bus.worker({ pollMs: 100 })
  onTestFinished(async () => void (await worker.stop()))
  await worker.start()
  await opened.database.query('select pg_sleep(0.3)')
  expect(runs).toEqual([])

  await opened.database.query('update pgboss.job set start_after = now()')

  await until('it ran', () => runs.length === 1, 3_000)
})

test('a failed attempt is tried again when its backoff is over, and not before', async () => {
  const at: number[] = []
  const handler = handlerThat(
    (_, { attempt, maxAttempts }) => {
      at.push(performance.now())
      if (attempt < maxAttempts) throw new Error('not yet')
    },
    { maxAttempts: 3, backoff: { initialMs: 400, factor: 2, jitter: 0 } },
  )
  const opened = await aBus([handler])
  const worker = opened.bus.worker({ pollMs: 100 })
  onTestFinished(async () => void (await worker.stop()))
  await worker.start()

  await opened.bus.publish(NoteTaken({ n: 1, key: 'red' }))
  await until('it is done', () => worker.counts().done === 1)

  const [first = 0, second = 0, third = 0] = at
  expect(second - first).toBeGreaterThan(395)
  expect(second - first).toBeLessThan(400 + 100 + 1_500)
  expect(third - second).toBeGreaterThan(795)
  expect(third - second).toBeLessThan(800 + 100 + 1_500)
  expect(await storedNotes(opened)).toEqual([expect.objectContaining({ state: 'completed', used: 3 })])
})

test('events that a handler publishes name their cause, and its logs name their delivery', async () => {
  const handler = handlerThat(async (n, { publish, log }) => {
    log.info('a note', { page: n })
    if (n < 2)
      await publish([NoteTaken({ n: n + 1 }), NoteTaken({ n: n + 2 }, { causationId: 'me', correlationId: 'mine' })])
  })
  const opened = await aBus([handler])
  const { events } = await opened.bus.publish(NoteTaken({ n: 1 }, { correlationId: 'the order' }))

  await opened.bus.worker().drain()

  const { rows } = await opened.database.query<{ correlation_id: string; causation_id: string }>(
    'select correlation_id, causation_id from postbus.event order by seq',
  )
  expect(rows).toEqual([
    { correlation_id: 'the order', causation_id: null },
    { correlation_id: 'the order', causation_id: events[0]?.id },
    { correlation_id: 'mine', causation_id: 'me' },
  ])
  const [logged] = opened.signalsNamed('handler.log')
  expect(logged).toMatchObject({
    level: 'info',
    message: 'a note',
    fields: { page: 1, handler: 'notes.take', attempt: 1, eventId: events[0]?.id, eventType: 'notes.note-taken' },
  })
})

async function aBus(handlers: readonly AnyHandler[]): Promise<TestBus> {
  const opened = await openTestBus({ handlers })
  onTestFinished(() => opened.close())
  return opened
}
