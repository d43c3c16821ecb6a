/** The kit works without vitest: `node:test` runs a test file in a separate process. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('tests under node:test pass and fail as under vitest', async () => {
  const words = ['--test', '--test-reporter=tap', 'test/testing/fixtures/node-test.ts']
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_TEST')))
  const run = promisify(execFile)(process.execPath, words, { env })

  const { stdout } = await run.catch((error: { stdout: string }) => error)

  const results = Array.from(
    stdout.matchAll(/^ *(not ok|ok) \d+ - (passes|fails)(.*)$/gm),
    ([, ok, says]) => `${says} ${ok}`,
  )
  expect(results.toSorted()).toEqual(['fails not ok', 'fails not ok', ...Array.from({ length: 4 }, () => 'passes ok')])
  expect(stdout).toMatch(/Unasserted events published in strict mode[\s\S]*Published at: .*node-test\.ts:\d+/)
  expect(stdout).toContain('total: expected 41, got 42')
})
