/** The benchmark is code too: it must not rot between the days on which somebody measures. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, inject, test } from 'vitest'
import { questions } from '../../bench/questions/index.ts'

const run = promisify(execFile)

test('every question of the benchmark can be asked', { timeout: 400_000 }, async () => {
  const env = { ...process.env, DATABASE_URL: inject('serverUrl') }

  const { stdout } = await run(process.execPath, ['bench/run.ts', '--quick'], { env })

  const asked = Array.from(stdout.matchAll(/^## ([a-z-]+):/gm), ([, name]) => name)
  expect(asked).toEqual(questions.map(({ name }) => name))
  expect(stdout).toMatch(/A before B, whose transaction began first +\| postbus +\| handled +\| A B /)
  expect(stdout).toMatch(/one key busy, 20 others ready +\| postbus +\| [a-z ]+ +\| 20 /)
  expect(stdout).toMatch(/\| BullMQ +\| deliveries\/s +\| (not measured: no redis-server on this machine|[\d,.]+) /)
  expect(stdout).not.toMatch(/NaN|Infinity/)
})
