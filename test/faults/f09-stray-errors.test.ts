/** F9: an uncaught error outside of any handler ends the process in good order. */
import { expect, onTestFinished, test } from 'vitest'
import { openStage } from '../support/stage.ts'
import { until } from '../support/until.ts'

test('F9: a rejection that nobody handles ends the worker with 1, and gives back what it was doing', async () => {
  const stage = await openStage({ handlers: [{ name: 'faults.steady', maxAttempts: 1 }] })
  onTestFinished(() => stage.close())
  const worker = await stage.worker({ words: ['--grace-ms', '1000'] })
  await stage.publish({ task: 'hang' }, { task: 'hang', key: 'red' })
  await until('both run', async () => (await stage.trace.entries()).length === 2)

  await stage.publish({ task: 'stray', ms: 200 })
  const exit = await worker.exited

  expect(exit.code).toBe(1)
  expect(worker.output()).toContain('a stray promise was rejected')
  expect((await stage.deliveries()).map(({ state, errors }) => [state, errors])).toEqual([
    ['retry', []],
    ['retry', []],
    ['completed', []],
  ])
})

test('F9: a worker with an uncaught error ends with 1, also when everything it did could be finished', async () => {
  const stage = await openStage()
  onTestFinished(() => stage.close())
  const worker = await stage.worker()

  await stage.publish({ task: 'stray', ms: 500 })
  const exit = await worker.exited

  expect(exit.code).toBe(1)
  expect((await stage.deliveries()).map(({ state }) => state)).toEqual(['completed'])
})
