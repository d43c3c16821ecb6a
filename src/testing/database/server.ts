/** The three Postgres servers that tests can run on, best first: the given one, a container, the embedded one. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { safeTextOfError } from '../../error-text.ts'
import { embeddedPostgres } from '../../embedded-postgres/embedded-postgres.ts'

export interface ServerOptions {
  /** A server that runs already, whose user may create databases. */
  readonly databaseUrl: string | undefined
  /** Where the embedded server keeps its data while it runs. */
  readonly folder: string
}

export interface TestServer {
  readonly connectionString: string
  /** For people: which server this is, without its password. */
  readonly which: string
  /** True if it was started for these tests, and ends with them. */
  readonly isOurs: boolean
  stop(): Promise<void>
}

const image = 'postgres:18-alpine'

/** Tests may lose their data when the machine stops, and open many connections. */
const settings = { fsync: 'off', full_page_writes: 'off', max_connections: '200' }

export async function testServer({ databaseUrl, folder }: ServerOptions): Promise<TestServer> {
  if (databaseUrl !== undefined) return givenServer(databaseUrl)
  if (!(await dockerAnswers())) return embeddedServer(folder)

  try {
    return await containerServer()
  } catch (error) {
    const reason = safeTextOfError(error).trim().split('\n').at(-1)
    return embeddedServer(folder, ` because ${image} did not start in Docker: ${reason}`)
  }
}

function givenServer(connectionString: string): TestServer {
  const { host, pathname } = new URL(connectionString)
  return { connectionString, which: `DATABASE_URL (${host}${pathname})`, isOurs: false, stop: async () => {} }
}

async function dockerAnswers(): Promise<boolean> {
  return docker(['version'], 2_000).then(
    () => true,
    () => false,
  )
}

/** Throws without testcontainers: then the embedded server is tried, and says what to install if it is missing too. */
async function containerServer(): Promise<TestServer> {
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql') // takes half a second, so only where it is used
  // Pulled by the docker command, since a pull by testcontainers cannot have a time limit.
  await docker(['image', 'inspect', image], 5_000).catch(() => docker(['pull', '--quiet', image], 120_000))

  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const container = await new PostgreSqlContainer(image)
    .withUsername('postgres')
    .withCommand(['postgres', ...options])
    .withStartupTimeout(30_000)
    .start()
  return {
    connectionString: container.getConnectionUri(),
    which: `${image} in Docker (${container.getHost()}:${container.getPort()})`,
    isOurs: true,
    stop: async () => void (await container.stop()),
  }
}

/** The last process to release the server deletes its data. */
async function embeddedServer(folder: string, because = ''): Promise<TestServer> {
  const server = await embeddedPostgres({ folder, settings, throwAway: true })
  const which = `embedded PostgreSQL ${server.version} (${new URL(server.connectionString).host})${because}`
  return { connectionString: server.connectionString, which, isOurs: true, stop: () => server.release() }
}

async function docker(options: string[], timeoutMs: number): Promise<void> {
  await promisify(execFile)('docker', options, { timeout: timeoutMs, killSignal: 'SIGKILL' })
}
