/** The recipes of docs/testing.md compile, and pass when they run as tests. */
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BLOCKS } from '../support/readme-blocks.ts'
import { runInTerminal, runTestBlocks } from '../support/run-blocks.ts'

interface Printed {
  readonly stdout: string
}

const run = promisify(execFile)
const folder = join(BLOCKS, 'testing')

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../../../tsconfig.json', include: ['*.ts'] }))
  writeFileSync(join(folder, 'app.ts'), `export * from '../../../test/testing/fixtures/recipes-app.ts'\n`)
  for (const [file, code] of recipes()) writeFileSync(join(folder, file), code)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('the recipes compile as strictly as the library itself', async () => {
  const { stdout } = await run('npx', ['tsc', '-p', join(folder, 'tsconfig.json')]).catch((error: Printed) => error)

  expect(stdout).toBe('')
})

test('the recipes for vitest pass', async () => {
  const output = await runTestBlocks(folder)

  expect(output).toMatch(/Tests +21 passed \(21\)/)
})

test('the recipe for node:test passes', async () => {
  const output = await runInTerminal('--test', join(folder, 'node.ts'))

  expect(output).toContain('pass 1\n')
  expect(output).toContain('fail 0\n')
})

/** The recipes above the heading "The real thing", whose section has its own recipes and tests. */
function recipes(): readonly (readonly [file: string, code: string])[] {
  const [text = ''] = readFileSync('docs/testing.md', 'utf8').split('\n## The real thing')
  return Array.from(text.matchAll(/^```ts\n\/\/ (\S+\.ts)\n([\s\S]*?)^```/gm), ([, file = '', code = '']) => [
    file,
    code.replaceAll(`from 'postbus/testing'`, `from '../../../src/testing/index.ts'`),
  ])
}
