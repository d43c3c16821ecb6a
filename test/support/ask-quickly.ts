/** Asks questions of the benchmark in its quick mode, whose figures mean nothing. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { inject } from 'vitest'

/** All questions, if none is named. */
export async function askQuickly(...questions: readonly string[]) {
  const env = { ...process.env, DATABASE_URL: inject('serverUrl') }
  const { stdout } = await promisify(execFile)(process.execPath, ['bench/run.ts', '--quick', ...questions], { env })
  return { output: stdout, asked: Array.from(stdout.matchAll(/^## ([a-z-]+):/gm), ([, name]) => name) }
}
