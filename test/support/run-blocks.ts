/** Runs the tests among the documentation's code blocks, as a reader's own terminal would. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

/** Runs vitest on a folder of blocks, with the setup file. Returns what it prints. */
export function runTestBlocks(folder: string): Promise<string> {
  const config = join(folder, 'vitest.config.ts')
  const test = `{ include: ['${folder}/*.test.ts'], setupFiles: ['src/testing/vitest.ts'], maxWorkers: 2 }`
  writeFileSync(config, `export default { test: ${test} }\n`)
  return runInTerminal(resolve('node_modules/vitest/vitest.mjs'), 'run', '--config', config)
}

/** Runs Node without the environment variables of this test's own run. */
export async function runInTerminal(...words: readonly string[]): Promise<string> {
  const own = Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_TEST)/.test(name))
  const env = { ...Object.fromEntries(own), NO_COLOR: '1' }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, words, { env }).catch(
    (error: { stdout: string; stderr: string }) => error, // the caller looks for failing tests in the output
  )
  return stdout + stderr
}
