/** Runs the `postbus` command in a process of its own, as a user does, or inside the test, which takes a tenth of the time. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text as textOf } from 'node:stream/consumers'
import type { Terminal } from '../../src/cli/command.ts'
import { run } from '../../src/cli/run.ts'
import { BLOCKS } from './readme-blocks.ts'

/** Compiled once for all commands: see `vitest.config.ts`. */
const compileCache = { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }
const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts')
const CONFIG = resolve(import.meta.dirname, 'fixtures/cli/postbus.config.ts')

export interface CliOptions {
  /** The process's whole environment, apart from `DATABASE_URL` and the folder of the compile cache. */
  readonly env?: Readonly<Record<string, string>>
  /** Default: the fixture's. `null` for none. */
  readonly config?: string | null
  readonly cwd?: string
  /** The text that the command reads from its input, which ends after it. Default: nothing. */
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

/**
 * Runs the command inside this process, to test what it does and prints. Use `postbus` to test the process itself: its exit, signals,
 * environment and config file.
 */
export async function postbusHere(
  connectionString: string,
  words: readonly string[],
  options: CliOptions = {},
): Promise<CliResult> {
  if (options.env || options.cwd !== undefined || options.config !== undefined)
    return postbus(connectionString, words, options)
  mkdirSync(BLOCKS, { recursive: true })
  const folder = mkdtempSync(resolve(BLOCKS, 'cli-'))
  const config = join(folder, 'postbus.config.ts')
  const [out, err] = [new PassThrough(), new PassThrough()]
  const input = Readable.from(options.input === undefined ? [] : [options.input])
  const printed = Promise.all([textOf(out), textOf(err)])
  try {
    writeFileSync(config, configOf(connectionString))
    const code = await run([...words, '--config', config], { out, err, in: input } as unknown as Terminal)
    out.end()
    err.end()
    const [said, explained] = await printed
    const json = () => linesOf(said).map((line) => JSON.parse(line) as Record<string, unknown>)
    return { code, out: said, err: explained, json }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Each command gets a config of its own, because it closes the bus. */
function configOf(connectionString: string): string {
  return `import { createBus } from '../../../src/index.ts'
export const bus = createBus({
  connectionString: ${JSON.stringify(connectionString)},
  handlers: () => import('../../../test/support/fixtures/cli/event-handlers.ts'),
  onSignal: () => undefined,
})
`
}

export function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '')
}
