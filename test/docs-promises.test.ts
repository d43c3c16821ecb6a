/** docs/promises.md names the tests that hold each promise: those that are there, and all of the fault tests. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const named = new Set(
  readFileSync('docs/promises.md', 'utf8').match(/\btest\/[\w./-]+\.(?:test|long|chaos|external)\.ts/g),
)

test('every test file that the page names is there', () => {
  expect(named.size).toBeGreaterThan(50)
  expect([...named].filter((file) => !existsSync(file))).toEqual([])
})

test('the page names every file of fault tests', () => {
  const files = globSync('test/faults/**/*.{test,long,chaos}.ts')

  expect(files.length).toBeGreaterThan(20)
  expect(files.filter((file) => !named.has(file))).toEqual([])
})
