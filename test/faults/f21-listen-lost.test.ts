/** F21: the connection that listens for new events is lost, and cannot be replaced for a while. */
import { expect, onTestFinished, test } from 'vitest'
import { createBus } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { openTcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { STEADY, TaskAdded, tracedHandler } from './tasks.ts'

const POLL_MS = 2_000

test('F21: without LISTEN a worker lives by its poll, says so once, and hears again when it can', async () => {
  const stage = await openStage()
  onTestFinished(() => stage.close())
  const proxy = await openTcpProxy(stage.connectionString)
  onTestFinished(() => proxy.close())
  const worker = await stage.worker({ connectionString: proxy.through(stage.connectionString) })
  await latency(stage) // opens every connection that the worker needs

  proxy.set('refuse')
  expect(proxy.reset('listen "postbus_postbus"')).toBe(1)
  await worker.signalled('wake-up.lost')
  const polled = [await latency(stage), await latency(stage), await latency(stage)]
  proxy.set('pass')
  await worker.signalled('wake-up.restored')
  const woken = [await latency(stage), await latency(stage), await latency(stage)]

  console.log(
    `F21: ${polled.map(Math.round).join(', ')} ms by polling; ${woken.map(Math.round).join(', ')} ms by LISTEN`,
  )
  expect(Math.max(...polled)).toBeLessThan(2 * POLL_MS)
  expect(Math.min(...woken)).toBeLessThan(500)
  expect(worker.signalsNamed('wake-up.lost')).toHaveLength(1)
  expect(worker.signalsNamed('wake-up.restored')).toHaveLength(1)
  expect(worker.signalsNamed('database.unreachable')).toEqual([])
}, 60_000)

test('F21: what was published while nobody listened is found as soon as LISTEN is back, long before a poll', async () => {
  const handled: string[] = []
  const handler = tracedHandler(STEADY, async ({ step, eventId }) => void (step === 'end' && handled.push(eventId)))
  const opened = await openTestBus({ handlers: [handler] })
  onTestFinished(() => opened.close())
  const proxy = await openTcpProxy(opened.connectionString)
  onTestFinished(() => proxy.close())
  const signals: string[] = []
  const behind = createBus({
    connectionString: proxy.through(opened.connectionString),
    handlers: [handler],
    onSignal: ({ name }) => signals.push(name),
  })
  const worker = behind.worker({ pollMs: 60_000 })
  onTestFinished(() => behind.close())
  onTestFinished(async () => void (await worker.stop()))
  await worker.start()
  await opened.bus.publish(TaskAdded({}))
  await until('it works', () => handled.length === 1)
  await until('it listens', () => isListening(opened))

  proxy.set('refuse')
  proxy.reset('listen "postbus_postbus"')
  await until('LISTEN is lost', () => signals.includes('wake-up.lost'))
  await opened.bus.publish(TaskAdded({}))
  proxy.set('pass')

  await until('it is handled', () => handled.length === 2)
  expect(signals).toContain('wake-up.restored')
})

/** Returns true once the worker listens. Before that it claims what is already there. */
async function isListening({ database }: TestBus): Promise<boolean> {
  const { rowCount } = await database.query(
    `select from pg_stat_activity where datname = current_database() and state = 'idle' and query like 'listen %'`,
  )
  return rowCount === 1
}

/** From publish to the start of the handler, in milliseconds. */
async function latency(stage: Stage): Promise<number> {
  const publishedAt = await stage.trace.now()
  const [eventId] = await stage.publish({ task: 'work' })
  const start = await stage.entry('it runs', (entry) => entry.eventId === eventId && entry.step === 'start')
  await until('it is settled', async () => (await stage.deliveries()).every(({ state }) => state === 'completed'))
  return start.at - publishedAt
}
