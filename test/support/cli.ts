/** Runs the `postbus` command as a user does: a process of its own, of which nothing but its output is known. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'

/** Compiled once for all commands: see `vitest.config.ts`. */
const compileCache = { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }
const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts')
const CONFIG = resolve(import.meta.dirname, 'fixtures/cli/postbus.config.ts')

export interface CliOptions {
  /** The process's whole environment, beside `DATABASE_URL` and where it finds what is compiled. */
  readonly env?: Readonly<Record<string, string>>
  /** Default: the fixture's. `null` for none. */
  readonly config?: string | null
  readonly cwd?: string
  /** What is typed, after which the input ends. Default: nothing. */
  readonly input?: string
}

export interface CliResult {
  readonly code: number | null
  readonly out: string
  readonly err: string
  /** Every line of stdout, as JSON. */
  json(): readonly Record<string, unknown>[]
}

export async function postbus(
  connectionString: string,
  words: readonly string[],
  options: CliOptions = {},
): Promise<CliResult> {
  const config = options.config === undefined ? CONFIG : options.config
  const child = spawn(process.execPath, [MAIN, ...words, ...(config === null ? [] : ['--config', config])], {
    env: { DATABASE_URL: connectionString, ...compileCache, ...options.env },
    stdio: 'pipe',
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  child.stdin.on('error', () => undefined) // it may end before it has read everything
  child.stdin.end(options.input ?? '')
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, err, json: () => linesOf(out).map((line) => JSON.parse(line) as Record<string, unknown>) }
}

export function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '')
}
