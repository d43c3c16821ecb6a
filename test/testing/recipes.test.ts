/** The recipes of docs/testing.md compile, and pass as the tests that they are. */
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const run = promisify(execFile)
const folder = 'test/readme-blocks/testing'

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../../../tsconfig.json', include: ['*.ts'] }))
  writeFileSync(
    join(folder, 'vitest.config.ts'),
    `export default { test: { include: ['${folder}/*.test.ts'], setupFiles: ['src/testing/vitest.ts'], maxWorkers: 2 } }`,
  )
  writeFileSync(join(folder, 'app.ts'), `export * from '../../testing/recipes-app.ts'\n`)
  for (const [file, code] of recipes()) writeFileSync(join(folder, file), code)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('the recipes compile as strictly as the library itself', async () => {
  const { stdout } = await run('npx', ['tsc', '-p', join(folder, 'tsconfig.json')]).catch(failure)

  expect(stdout).toBe('')
})

test('the recipes for vitest pass', async () => {
  const vitest = resolve('node_modules/vitest/vitest.mjs')
  const words = [vitest, 'run', '--config', join(folder, 'vitest.config.ts')]

  const { stdout, stderr } = await run(process.execPath, words, { env: environment() }).catch(failure)

  expect(stdout + stderr).toMatch(/Tests +21 passed \(21\)/)
})

test('the recipe for node:test passes', async () => {
  const { stdout } = await run(process.execPath, ['--test', join(folder, 'node.ts')], { env: environment() }).catch(
    failure,
  )

  expect(stdout).toContain('pass 1\n')
  expect(stdout).toContain('fail 0\n')
})

/** Those above the heading of the real thing, which has recipes and tests of its own. */
function recipes(): readonly (readonly [file: string, code: string])[] {
  const [text = ''] = readFileSync('docs/testing.md', 'utf8').split('\n## The real thing')
  return Array.from(text.matchAll(/^```ts\n\/\/ (\S+\.ts)\n([\s\S]*?)^```/gm), ([, file = '', code = '']) => [
    file,
    code.replaceAll(`from 'postbus/testing'`, `from '../../../src/testing/index.ts'`),
  ])
}

function failure(error: { stdout: string; stderr: string }) {
  return error
}

/** As a terminal has it: this test's own run must not shine through. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('VITEST') && !name.startsWith('NODE_TEST'),
  )
  return { ...Object.fromEntries(own), NO_COLOR: '1' }
}
