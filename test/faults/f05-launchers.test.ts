/** F5: a worker that a launcher has started: Ctrl-C reaches the worker twice, and the launcher may end before it. */
import { expect, test } from 'vitest'
import { openStage, type Stage } from '../support/stage.ts'
import { until } from '../support/until.ts'
import type { Launcher } from '../support/worker-process.ts'

const launchers: readonly Launcher[] = ['npx', 'npm run', 'sh', 'bash']

test.for(launchers)('F5: one Ctrl-C through %s lets the running handlers finish', async (through, around) => {
  const stage = await openStage()
  around.onTestFinished(() => stage.close())
  const worker = await stage.worker({ through })
  await stage.publish({ ms: 1_500 })
  await stage.entry('its start', ({ step }) => step === 'start')

  worker.killGroup('SIGINT')
  worker.killGroup('SIGINT') // as when a shell or npm passes the signal on
  await worker.exited

  await stage.entry('its end', ({ step }) => step === 'end')
  await until('the worker has said goodbye', async () => (await workersOf(stage)) === 0)
  expect((await stage.deliveries()).map(({ state, retryCount }) => [state, retryCount])).toEqual([['completed', 0]])
})

test.for(launchers)('F5: with --with-parent it ends in good order when %s is terminated', async (through, around) => {
  const stage = await openStage()
  around.onTestFinished(() => stage.close())
  const worker = await stage.worker({ through, words: ['--with-parent'] })
  await stage.publish({ ms: 1_500 })
  const { pid } = await stage.entry('its start', ({ step }) => step === 'start')

  worker.kill('SIGTERM') // npm passes this signal to no other process

  await until('the worker has ended', () => isGone(pid))
  await stage.entry('its end', ({ step }) => step === 'end')
  expect(await workersOf(stage)).toBe(0)
  expect((await stage.deliveries()).map(({ state, retryCount }) => [state, retryCount])).toEqual([['completed', 0]])
})

test('F5: with --with-parent a worker goes on as long as its parent does', async (around) => {
  const stage = await openStage()
  around.onTestFinished(() => stage.close())
  const worker = await stage.worker({ through: 'bash', words: ['--with-parent'] })

  await stage.publish({ ms: 2_000 })
  await stage.settled()

  expect(worker.signalsNamed('worker.stopping')).toEqual([])
  worker.killGroup('SIGTERM')
  await until('the worker has said goodbye', async () => (await workersOf(stage)) === 0)
})

async function workersOf(stage: Stage): Promise<number> {
  return (await stage.database.query('select from postbus.worker')).rows.length
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}
