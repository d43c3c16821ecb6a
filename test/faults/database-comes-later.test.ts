/** A worker that is started before its database: it waits, reports that, and works once the database is there. */
import { expect, onTestFinished, test } from 'vitest'
import { openStage } from '../support/stage.ts'
import { openTcpProxy } from '../support/tcp-proxy.ts'

test('a worker that is started before its database waits for it, and then works', async () => {
  const stage = await openStage()
  onTestFinished(() => stage.close())
  const proxy = await openTcpProxy(stage.connectionString)
  onTestFinished(() => proxy.close())
  proxy.set('refuse')
  const [eventId] = await stage.publish({ task: 'work' })

  const worker = await stage.worker({ connectionString: proxy.through(stage.connectionString), wait: false })
  await worker.signalled('database.unreachable', 3)
  proxy.set('pass')
  await worker.signalled('worker.started')

  await stage.entry('it is handled', (entry) => entry.eventId === eventId && entry.step === 'end')
  expect(worker.signalsNamed('database.reachable')).toHaveLength(1)
})

test('a worker that waits for its database stops when it is told to', async () => {
  const stage = await openStage()
  onTestFinished(() => stage.close())
  const worker = await stage.worker({ connectionString: 'postgres://nobody@127.0.0.1:1/nothing', wait: false })
  await worker.signalled('database.unreachable')

  const signalledAt = performance.now()
  worker.kill('SIGTERM')
  const exit = await worker.exited

  expect(exit.code).toBe(0)
  expect(exit.at - signalledAt).toBeLessThan(10_000) // its grace is 30 s
})

test('a worker with a wrong password gives up at once, and says why', async () => {
  const stage = await openStage()
  onTestFinished(() => stage.close())
  const url = new URL(stage.connectionString)
  url.password = 'wrong'

  const worker = await stage.worker({ connectionString: url.href, wait: false })
  const { code } = await worker.exited

  expect(code).toBe(1)
  expect(worker.output()).toContain('password authentication failed')
  expect(worker.output()).not.toContain('wrong')
})
