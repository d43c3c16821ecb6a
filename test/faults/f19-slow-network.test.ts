/** F19: a network with a round trip of 200 ms and jitter: everything is slower, but nothing else changes. */
import { expect, onTestFinished, test } from 'vitest'
import { createBus, type BusSignal } from '../../src/index.ts'
import { openStage } from '../support/stage.ts'
import { openTcpProxy } from '../support/tcp-proxy.ts'
import { ghosts, lost, needlessRepeats, overlaps } from '../support/trace-checks.ts'
import { TaskAdded, STEADY, tracedHandler } from './tasks.ts'

test('F19: with 200 ms of latency and as much jitter nothing fails: everything is handled once, in order', async () => {
  const stage = await openStage()
  onTestFinished(() => stage.close())
  const proxy = await openTcpProxy(stage.connectionString)
  onTestFinished(() => proxy.close())
  const connectionString = proxy.through(stage.connectionString)
  const worker = await stage.worker({ connectionString })
  const signals: BusSignal[] = []
  await using bus = createBus({
    connectionString,
    handlers: [tracedHandler(STEADY, async () => undefined)],
    onSignal: (signal) => signals.push(signal),
  })

  proxy.delay(50, 100)
  const published: string[] = []
  for (let n = 0; n < 4; n += 1) {
    const tasks = Array.from({ length: 6 }, (_, place) => TaskAdded({ ms: 20, key: place < 4 ? `key ${place}` : null }))
    published.push(...(await bus.publish(tasks)).events.map(({ id }) => id))
  }
  await stage.settled(20_000)

  const trace = await stage.trace.entries()
  expect([
    ...lost(published.map((eventId) => ({ handler: STEADY.name, eventId })), trace), // prettier-ignore
    ...needlessRepeats(trace),
    ...overlaps(trace),
    ...ghosts(trace, new Set(published)),
  ]).toEqual([])
  for (const key of [0, 1, 2, 3]) {
    const ran = trace.filter((entry) => entry.step === 'start' && entry.key === `key ${key}`)
    expect(ran.map(({ eventId }) => eventId)).toEqual(published.filter((_, place) => place % 6 === key))
  }
  expect([...signals, ...worker.signals].filter(({ level }) => level !== 'info')).toEqual([])
}, 60_000)
