/**
 * The process of the embedded Postgres: starts, finds and stops it. It outlives the process that started it.
 *
 * `postmaster.pid` in the data folder is Postgres's own lock against a second server on the same data, and its record of
 * where the server listens. It stays behind when the server is killed or the machine stops.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { open, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { delay } from '../clock.ts'
import { runAs } from './account.ts'
import { type Installation, dataIn, logIn } from './cluster.ts'
import { unavailable } from './unavailable.ts'

/** A server as `postmaster.pid` describes it; it may be long gone. */
export type RecordedServer = { readonly pid: number; readonly dataFolder: string; readonly port: number }

export type Settings = Readonly<Record<string, string>>

/**
 * Starts a server in its own session, so that Ctrl-C in a terminal does not reach it. Does not wait until the server is
 * ready. Starts nothing if the cluster was thrown away a moment ago.
 */
export async function startServer(installation: Installation, settings: Settings): Promise<ChildProcess | undefined> {
  const { folder, account, binaries } = installation
  const port = settings['port'] ?? (await freePort())
  const all = { ...settings, listen_addresses: '127.0.0.1', port, unix_socket_directories: '' }
  const options = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])

  const log = await open(logIn(folder), 'a').catch((error: unknown) => {
    if (existsSync(folder)) throw error
  })
  if (!log) return undefined

  const program = join(binaries, 'postgres')
  const how = { ...runAs(account), detached: true, stdio: ['ignore', log.fd, log.fd] } satisfies SpawnOptions
  const server = spawn(program, ['-D', dataIn(folder), ...options], how)
  try {
    await once(server, 'spawn')
  } finally {
    await log.close()
  }
  server.unref()
  return server
}

export async function recordedServer(folder: string): Promise<RecordedServer | undefined> {
  const lines = await readFile(pidFileIn(folder), 'utf8').catch(() => '') // no file: no server
  const [pid, dataFolder, , port] = lines.split('\n')
  return pid && dataFolder && port ? { pid: Number(pid), dataFolder, port: Number(port) } : undefined
}

/** For a record whose pid belongs to another process by now. If the old server still runs, its memory segment keeps ours from starting. */
export async function forgetServer(folder: string): Promise<void> {
  await rm(pidFileIn(folder), { force: true })
}

/** Ends all connections and waits until the server has written everything. */
export async function stopServer(folder: string): Promise<void> {
  const server = await recordedServer(folder)
  if (!server) return

  process.kill(server.pid, 'SIGINT')
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 10) {
    if (!existsSync(pidFileIn(folder)) || (await recordedServer(folder))?.pid !== server.pid) return
    await delay(10)
  }
  throw unavailable(`the server (pid ${server.pid}) did not stop within 60 s; see ${logIn(folder)}`)
}

function pidFileIn(folder: string): string {
  return join(dataIn(folder), 'postmaster.pid')
}

/** A port that is free now. If another program takes it first, the server ends at once, and the next attempt gets another port. */
async function freePort(): Promise<string> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  listener.close()
  await once(listener, 'close')
  if (address === null || typeof address === 'string') throw unavailable('no port of 127.0.0.1 is free')
  return String(address.port)
}
