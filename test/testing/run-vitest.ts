/** Runs vitest on fixture files, in a separate process, and returns the result of each test. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

/** The failure messages of each test, by its name. A test without messages passed, perhaps at a second attempt. */
export type Ran = Readonly<Record<string, readonly string[]>>

interface JsonReport {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages: readonly string[] | null
    }[]
  }[]
}

const FIXTURES = resolve(import.meta.dirname, 'fixtures')
const VITEST = resolve('node_modules/vitest/vitest.mjs')

/** @param words files or folders below the fixtures, and options. */
export async function runVitest(...words: readonly string[]): Promise<Ran> {
  const folder = await mkdtemp(join(tmpdir(), 'postbus-vitest-'))
  const report = join(folder, 'report.json')
  const options = ['run', '--root', FIXTURES, '--config', join(FIXTURES, 'vitest.config.ts'), '--reporter=json']
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST')))
  const run = promisify(execFile)(process.execPath, [VITEST, ...options, `--outputFile=${report}`, ...words], { env })
  const { stdout, stderr } = await run.catch((error: { stdout: string; stderr: string }) => error) // failing tests are expected
  try {
    return testsIn(JSON.parse(await readFile(report, 'utf8')) as JsonReport)
  } catch (cause) {
    throw new Error(`vitest reported nothing:\n${stdout}\n${stderr}`, { cause })
  } finally {
    await rm(folder, { recursive: true })
  }
}

function testsIn({ testResults }: JsonReport): Ran {
  const all = testResults.flatMap(({ assertionResults }) => assertionResults)
  return Object.fromEntries(
    all.map(({ fullName, status, failureMessages }) => [fullName, status === 'failed' ? (failureMessages ?? []) : []]),
  )
}
