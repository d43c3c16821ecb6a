/** The program of a broker, on a port and in a folder of its own, which a test can kill and start again. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { access, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './until.ts'

export interface BrokerProcess {
  readonly folder: string
  start(): Promise<void>
  /** Ends it, and resolves when it is gone. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** Ends it, and deletes its folder. */
  remove(): Promise<void>
}

export interface BrokerProgram {
  readonly name: string
  /** The path at which it is installed. */
  readonly path: string
  readonly install: string
  readonly words: (folder: string) => readonly string[]
  readonly env?: (folder: string) => NodeJS.ProcessEnv
  /** Ends processes that it has left running. */
  readonly onRemoved?: () => Promise<unknown>
  /** Resolves to true if it takes connections. */
  readonly isUp: () => Promise<boolean>
}

export async function brokerProcess({
  name,
  path,
  install,
  words,
  env,
  isUp,
  onRemoved,
}: BrokerProgram): Promise<BrokerProcess> {
  await access(path).catch((error: unknown) => {
    throw new Error(`These tests need the program ${name} at ${path}. Install it, such as by: ${install}`, {
      cause: error,
    })
  })
  const folder = await mkdtemp(join(tmpdir(), `postbus-${name}-`))
  const log = join(folder, 'output.log')
  let running: ChildProcess | null = null

  async function stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM') {
    const child = running
    running = null
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    process.kill(-child.pid, signal) // with the processes that it has started itself
    await ended
  }
  return {
    folder,
    async start() {
      running = spawn(path, words(folder), {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...env?.(folder) },
        detached: true,
      })
      const output = createWriteStream(log, { flags: 'a' })
      running.stdout?.pipe(output, { end: false })
      running.stderr?.pipe(output, { end: false })
      await until(`${name} takes connections`, isUp, 120_000).catch(async (error: unknown) => {
        throw new Error(`${name} does not take connections. It said:\n${await readFile(log, 'utf8')}`, { cause: error })
      })
    },
    stop,
    async remove() {
      await stop()
      await onRemoved?.()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
