/** The blocks of docs/evolution.md compile, and pass when they run as tests. Its command lines work. */
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { postbus } from '../support/cli.ts'
import { BLOCKS } from '../support/readme-blocks.ts'
import { runTestBlocks } from '../support/run-blocks.ts'
import * as handlers from '../support/fixtures/cli/event-handlers.ts'

const run = promisify(execFile)
const folder = join(BLOCKS, 'evolution')
const text = readFileSync('docs/evolution.md', 'utf8')
let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers })
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../../../tsconfig.json', include: ['*.ts'] }))
  for (const [, file = '', code = ''] of text.matchAll(/^```ts\n\/\/ (\S+\.ts)\n([\s\S]*?)^```/gm)) {
    writeFileSync(
      join(folder, file),
      code
        .replaceAll(`from 'postbus'`, `from '../../../src/index.ts'`)
        .replaceAll(`from 'postbus/testing'`, `from '../../../src/testing/index.ts'`),
    )
  }
})

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await shop.close()
})

test('the blocks compile as strictly as the library itself', async () => {
  const { stdout } = await run('npx', ['tsc', '-p', join(folder, 'tsconfig.json')]).catch(
    (error: { stdout: string }) => error,
  )

  expect(stdout).toBe('')
})

test('the block of tests passes', async () => {
  expect(await runTestBlocks(folder)).toMatch(/Tests +1 passed \(1\)/)
})

test('the command lines are understood', async () => {
  const lines = Array.from(text.matchAll(/^npx postbus (.*?)\s*(?:#.*)?$/gm), ([, words = '']) => words.split(/\s+/))

  const codes = []
  for (const words of lines) codes.push((await postbus(shop.connectionString, words, { cwd: folder })).code)

  expect(codes).toEqual([0, 0, 0])
})
