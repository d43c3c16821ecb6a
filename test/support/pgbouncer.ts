/** A real pgbouncer in front of the tests' server: the program itself, which must be installed. */
import { execFile, spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { until } from './until.ts'

export interface Pgbouncer {
  readonly connectionString: string
  /** As a number that can be compared: 1.18 is 118, 1.21 is 121. */
  readonly version: number
  close(): Promise<void>
}

export interface PgbouncerSettings {
  readonly mode: 'transaction' | 'session'
  readonly poolSize: number
  /** Additional lines of its configuration. */
  readonly more?: string
}

export async function openPgbouncer(
  server: string,
  { mode, poolSize, more = '' }: PgbouncerSettings,
): Promise<Pgbouncer> {
  const version = await installedVersion()
  const folder = await mkdtemp(join(tmpdir(), 'postbus-pgbouncer-'))
  await chmod(folder, 0o755)
  const port = await freePort()
  const through = new URL(server)
  const { hostname, port: serverPort, pathname, username, password } = through
  const file = join(folder, 'pgbouncer.ini')
  await writeFile(
    file,
    `[databases]
${pathname.slice(1)} = host=${hostname} port=${serverPort || 5432} user=${username} password=${decodeURIComponent(password)}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
auth_type = any
pool_mode = ${mode}
default_pool_size = ${poolSize}
max_client_conn = 200
unix_socket_dir =
${more}
`,
  )
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const running = spawn('pgbouncer', [...user, file], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  running.stderr.on('data', (data) => (log += String(data)))

  through.hostname = '127.0.0.1'
  through.port = String(port)
  await until(`pgbouncer answers`, () => answers(through.href)).catch((error: unknown) => {
    throw new Error(`pgbouncer does not answer. It said:\n${log}`, { cause: error })
  })
  return {
    connectionString: through.href,
    version,
    async close() {
      const ended = new Promise((resolve) => running.once('exit', resolve))
      running.kill('SIGTERM')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function installedVersion(): Promise<number> {
  const { stdout } = await promisify(execFile)('pgbouncer', ['--version']).catch((error: unknown) => {
    throw new Error('These tests need the program pgbouncer. Install it, such as by: apt-get install pgbouncer', {
      cause: error,
    })
  })
  const [, major, minor] = /PgBouncer (\d+)\.(\d+)/.exec(stdout) ?? []
  return Number(major) * 100 + Number(minor)
}

async function answers(connectionString: string): Promise<boolean> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 1_000 })
  client.on('error', () => undefined)
  const answered = await client
    .connect()
    .then(() => client.query('select 1'))
    .then(
      () => true,
      () => false,
    )
  await client.end().catch(() => undefined)
  return answered
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}
