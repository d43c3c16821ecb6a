/** The three Postgres servers that tests can run on, best first. */
import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { embeddedPostgres } from '../../src/testing/database/embedded-postgres.ts'
import { env } from '../../config/env.ts'

export type TestServer = {
  readonly connectionString: string
  /** For people: which server this is, without its password. */
  readonly which: string
  stop(): Promise<void>
}

const image = 'postgres:18-alpine'

/** Tests may lose their data when the machine stops, and open many connections. */
const settings = { fsync: 'off', full_page_writes: 'off', max_connections: '200' }

export async function testServer(): Promise<TestServer> {
  if (env.databaseUrl !== undefined) return givenServer(env.databaseUrl)
  if (!(await dockerAnswers())) return embeddedServer()

  try {
    return await containerServer()
  } catch (error) {
    const reason = error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error)
    return embeddedServer(` because ${image} did not start in Docker: ${reason}`)
  }
}

function givenServer(connectionString: string): TestServer {
  const { host, pathname } = new URL(connectionString)
  return { connectionString, which: `DATABASE_URL (${host}${pathname})`, stop: async () => {} }
}

async function dockerAnswers(): Promise<boolean> {
  return docker(['version'], 2_000).then(
    () => true,
    () => false,
  )
}

async function containerServer(): Promise<TestServer> {
  // By the command line, since a pull by testcontainers cannot be given a time limit.
  await docker(['image', 'inspect', image], 5_000).catch(() => docker(['pull', '--quiet', image], 120_000))

  const { PostgreSqlContainer } = await import('@testcontainers/postgresql') // half a second, only where it is used
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const container = await new PostgreSqlContainer(image)
    .withUsername('postgres')
    .withCommand(['postgres', ...options])
    .withStartupTimeout(30_000)
    .start()
  return {
    connectionString: container.getConnectionUri(),
    which: `${image} in Docker (${container.getHost()}:${container.getPort()})`,
    stop: async () => void (await container.stop()),
  }
}

/** Shared by test runs that overlap, apart from the demo's, and deleted by the last one to end. */
async function embeddedServer(because = ''): Promise<TestServer> {
  const folder = resolve(import.meta.dirname, '../../.postbus/test-postgres')
  const server = await embeddedPostgres({ folder, settings, throwAway: true })
  const which = `embedded PostgreSQL ${server.version} (${new URL(server.connectionString).host})${because}`
  return { connectionString: server.connectionString, which, stop: () => server.release() }
}

async function docker(options: string[], timeoutMs: number): Promise<void> {
  await promisify(execFile)('docker', options, { timeout: timeoutMs, killSignal: 'SIGKILL' })
}
