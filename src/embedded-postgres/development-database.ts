/** The database of `postbus dev`: an embedded Postgres with a port and a password that a config file can name. */
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { Client } from 'pg'
import { embeddedPostgres } from './embedded-postgres.ts'
import { recordedServer } from './server.ts'

const NAME = 'postbus'

export interface DevelopmentDatabase {
  readonly connectionString: string
  readonly version: string
  /** Stops the server if no other process uses it. The data stays. */
  release(): Promise<void>
}

export interface DevelopmentDatabaseOptions {
  /** The folder of its data. */
  readonly folder: string
  readonly port: number
}

/** The URL in a config file that was made for this database. Anyone on this machine can connect: it is for development only. */
export function developmentUrl(port: number): string {
  return `postgres://${NAME}:${NAME}@127.0.0.1:${port}/${NAME}`
}

/** Starts the database, or joins it. `null`: another program has the port. */
export async function developmentDatabase(options: DevelopmentDatabaseOptions): Promise<DevelopmentDatabase | null> {
  const { folder, port } = options
  const isOurs = (await recordedServer(folder)) !== undefined
  if (!isOurs && !(await isFree(port))) return null

  await keepOutOfGit(dirname(folder))
  const server = await embeddedPostgres({ folder, settings: { port: String(port) } })
  await makeDatabase(server.connectionString)
  return {
    connectionString: developmentUrl(Number(new URL(server.connectionString).port)),
    version: server.version,
    release: () => server.release(),
  }
}

async function keepOutOfGit(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, '.gitignore'), '*\n')
}

async function makeDatabase(connectionString: string): Promise<void> {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    const { rows } = await client.query('select from pg_roles where rolname = $1', [NAME])
    if (rows.length === 0) await client.query(`create role ${NAME} login superuser password '${NAME}'`)
    const { rows: databases } = await client.query('select from pg_database where datname = $1', [NAME])
    if (databases.length === 0)
      await client.query(`create database ${NAME} owner ${NAME} encoding utf8 template template0`)
  } finally {
    await client.end()
  }
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const listener = createServer()
    listener.once('error', () => resolve(false))
    listener.listen(port, '127.0.0.1', () => listener.close(() => resolve(true)))
  })
}
