/** A Next application that gets Postbus as a package, and the server that `next dev` starts for it. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { until } from './until.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const NEXT = join(ROOT, 'node_modules/next/dist/bin/next')
const READY_MS = 120_000

/** A new folder with the built package in it, within this checkout, so that Node finds the other packages. */
export async function folderWithPackage(): Promise<string> {
  await mkdir(join(ROOT, '.postbus'), { recursive: true })
  const folder = await mkdtemp(join(ROOT, '.postbus/next-'))
  const installed = join(folder, 'node_modules/postbus')
  await mkdir(installed, { recursive: true })
  await copyFile(join(ROOT, 'package.json'), join(installed, 'package.json'))
  const words = ['tsc', '-p', 'tsconfig.build.json', '--outDir', join(installed, 'dist')]
  await promisify(execFile)('npx', words, { cwd: ROOT })
  return folder
}

export interface RunningNext {
  readonly url: string
  /** The text that it has printed so far. */
  said(): string
  /** Ends it, and deletes its folder. */
  stop(): Promise<void>
}

export async function startNext(folder: string, connectionString: string): Promise<RunningNext> {
  const port = await aFreePort()
  const next = spawn(process.execPath, [NEXT, 'dev', '--webpack', '--port', String(port), '--hostname', '127.0.0.1'], {
    cwd: folder,
    env: { ...process.env, DATABASE_URL: connectionString, NODE_ENV: 'development', NEXT_TELEMETRY_DISABLED: '1' },
    stdio: 'pipe',
    detached: true,
  })
  let said = ''
  for (const stream of [next.stdout, next.stderr]) stream.on('data', (text) => (said += String(text)))
  await until('Next listens', () => said.includes('Ready') || next.exitCode !== null, READY_MS)
  if (next.exitCode !== null) throw new Error(`Next has ended by itself: ${said}`)
  return {
    url: `http://127.0.0.1:${port}`,
    said: () => said,
    async stop() {
      if (next.pid !== undefined && next.exitCode === null) {
        process.kill(-next.pid, 'SIGTERM')
        await once(next, 'exit')
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function aFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
