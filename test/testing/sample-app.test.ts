/** An app with 200 tests, half of them concurrent, in random order: no test sees an event of another. */
import { expect, test } from 'vitest'
import { runVitest } from './run-vitest.ts'

test.each([
  [
    'in random order, both files in one process',
    ['--sequence.shuffle', '--sequence.seed=2', '--no-isolate', '--maxWorkers=1'],
  ],
  ['all at the same time', ['--sequence.concurrent', '--maxConcurrency=50', '--sequence.seed=3']],
])('200 tests %s', async (_, options) => {
  const ran = await runVitest('sample-app', ...options)

  const failed = Object.entries(ran).filter(([, messages]) => messages.length > 0)
  expect(failed).toEqual([])
  expect(Object.keys(ran)).toHaveLength(200)
})
