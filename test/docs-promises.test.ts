/** docs/promises.md names the tests that check each promise: every named test exists, and every fault test is named. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const named = new Set(
  readFileSync('docs/promises.md', 'utf8').match(/\btest\/[\w./-]+\.(?:test|long|chaos|external)\.ts/g),
)

test('every test file that the page names exists', () => {
  expect(named.size).toBeGreaterThan(50)
  expect([...named].filter((file) => !existsSync(file))).toEqual([])
})

test('the page names every fault test file', () => {
  const files = globSync('test/faults/**/*.{test,long,chaos}.ts')

  expect(files.length).toBeGreaterThan(20)
  expect(files.filter((file) => !named.has(file))).toEqual([])
})
