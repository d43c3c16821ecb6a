/** A Postgres server of a test's own, which the test can stop, kill and start again on the same port and the same data. */
import { execFile, spawn } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { embeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts'
import { runAs } from '../../src/embedded-postgres/account.ts'
import { binariesFor } from '../../src/embedded-postgres/binaries.ts'
import { isAlive, logIn } from '../../src/embedded-postgres/cluster.ts'
import { placeFor } from '../../src/embedded-postgres/place.ts'
import { recordedServer, stopServer, type Settings } from '../../src/embedded-postgres/server.ts'
import { fastFolder } from './fast-folder.ts'
import { freezeLogOf } from './frozen-log.ts'
import { until } from './until.ts'

export interface EmbeddedServer {
  readonly connectionString: string
  /** Ends all connections, writes everything, and stops. */
  stop(): Promise<void>
  /** From now on nothing is written to the disk except what a commit waits for. */
  freezeLog(): Promise<void>
  /** Kills the server and all its processes, as a failing machine does: what is not on the disk is lost. */
  crash(): Promise<void>
  /** From now on none of its files may grow larger than this: the closest to a full disk that works everywhere. */
  limitFiles(bytes: number | 'unlimited'): Promise<void>
  /** Resolves when it accepts connections. */
  start(): Promise<void>
  /** Everything it has logged so far. */
  log(): Promise<string>
  /** Stops it and deletes its data. */
  remove(): Promise<void>
}

export async function startEmbeddedServer(settings: Settings = {}): Promise<EmbeddedServer> {
  const checkout = await mkdtemp(join(await fastFolder(), 'postbus-server-'))
  await chmod(checkout, 0o755)
  // With fsync: what is committed must survive the crash. (The page cache would survive it anyway; the WAL is replayed.)
  const server = await embeddedPostgres({ folder: join(checkout, 'postgres'), settings, throwAway: true })
  const place = await placeFor(join(checkout, 'postgres'))
  const binaries = await binariesFor(place.account)
  const port = new URL(server.connectionString).port

  const answers = async () => {
    const client = new Client({ connectionString: server.connectionString, connectionTimeoutMillis: 1_000 })
    client.on('error', () => undefined)
    const answered = await client.connect().then(
      () => true,
      () => false,
    )
    await client.end().catch(() => undefined)
    return answered
  }

  return {
    connectionString: server.connectionString,
    stop: () => stopServer(place.folder),
    log: () => readFile(logIn(place.folder), 'utf8'),
    freezeLog: () => freezeLogOf(server.connectionString),
    async crash() {
      const processes = await processesOf(place.folder)
      // Its children would end by themselves, but later, and each has a process group of its own.
      for (const pid of processes) kill(pid)
      await until('the server is gone', () => !isAlive(processes[0] ?? 0))
    },
    async limitFiles(bytes) {
      for (const pid of await processesOf(place.folder)) {
        const words = ['--pid', String(pid), `--fsize=${bytes}:`]
        await promisify(execFile)('prlimit', words, runAs(place.account)) // only its own account may do that
      }
    },
    async start() {
      // Children of a killed server may hold its shared memory for a moment. Then the new server ends at once.
      await until('the server answers', async () => {
        const options = ['-c', 'listen_addresses=127.0.0.1', '-c', `port=${port}`, '-c', 'unix_socket_directories=']
        const started = spawn(join(binaries, 'postgres'), ['-D', join(place.folder, 'data'), ...options], {
          ...runAs(place.account),
          detached: true,
          stdio: 'ignore',
        })
        started.unref()
        while (started.exitCode === null && started.signalCode === null) {
          if (await answers()) return true
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
        return false
      })
    },
    async remove() {
      await server.release()
      await stopServer(place.folder).catch(() => undefined)
      await rm(place.folder, { recursive: true, force: true })
      await rm(checkout, { recursive: true, force: true })
    },
  }
}

/** Returns the process ids, the server's first. */
async function processesOf(folder: string): Promise<readonly number[]> {
  const recorded = await recordedServer(folder)
  if (!recorded) throw new Error('The server is not running.')
  return [recorded.pid, ...(await childrenOf(recorded.pid))]
}

async function childrenOf(parent: number): Promise<readonly number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid='])
  const processes = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  return processes.flatMap(([pid, ppid]) => (pid !== undefined && ppid === parent ? [pid] : []))
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it has ended by itself
  }
}
