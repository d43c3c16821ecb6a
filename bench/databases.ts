/**
 * The server that measurements run on, and its databases. Every measurement gets a database of its own, copied from one that
 * was filled once, so that all rounds start from the same state.
 */
import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { Client } from 'pg'
import { embeddedPostgres } from '../src/embedded-postgres/embedded-postgres.ts'
import { env } from '../config/env.ts'
import type { BenchDatabase } from './question.ts'

const folder = resolve(import.meta.dirname, '../.postbus/bench-postgres')

/** Nothing here trades durability for speed: fsync, full_page_writes and synchronous_commit have Postgres's defaults. */
const SETTINGS = { max_connections: '200', shared_buffers: '1GB', max_wal_size: '4GB' }
const REPORTED = ['fsync', 'full_page_writes', 'synchronous_commit', ...Object.keys(SETTINGS)]

export interface BenchServer {
  /** For people: the version of Postgres and the settings that matter. */
  readonly which: string
  /** Creates a database: empty, or a copy of `template`. */
  create(template?: OwnDatabase): Promise<OwnDatabase>
  stop(): Promise<void>
}

export interface OwnDatabase extends BenchDatabase {
  readonly name: string
  drop(): Promise<void>
}

export async function benchServer(): Promise<BenchServer> {
  const server = env.databaseUrl === undefined ? await ownServer() : givenServer(env.databaseUrl)
  const { connectionString } = server
  const url = new URL(connectionString)
  return {
    which: await describe(connectionString),
    async create(template) {
      const name = `postbus_bench_${randomBytes(6).toString('hex')}`
      // A file copy: the other strategy writes every page to the WAL, and takes three times as long for a large database.
      const copied = template ? `template ${template.name} strategy file_copy` : ''
      await once(connectionString, `create database ${name} ${copied}`)
      const own = new URL(url)
      own.pathname = `/${name}`
      const drop = () => once(connectionString, `drop database if exists ${name} with (force)`)
      return { name, connectionString: own.href, drop }
    },
    stop: () => server.release(),
  }
}

async function ownServer() {
  return embeddedPostgres({ folder, settings: SETTINGS, throwAway: true })
}

function givenServer(connectionString: string) {
  return { connectionString, release: async () => {} }
}

async function describe(connectionString: string): Promise<string> {
  const client = await connected(connectionString)
  const { rows } = await client.query<{ name: string; setting: string }>(
    'select name, current_setting(name) as setting from pg_settings where name = any($1) order by name',
    [['server_version', ...REPORTED]],
  )
  await client.end()
  const settings = rows.filter(({ name }) => name !== 'server_version').map(({ name, setting }) => `${name}=${setting}`)
  return `PostgreSQL ${rows.find(({ name }) => name === 'server_version')?.setting ?? '?'} (${settings.join(', ')})`
}

/** Runs one statement on a connection of its own, without a time limit. */
export async function once(connectionString: string, statement: string): Promise<void> {
  const client = await connected(connectionString)
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

async function connected(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 10_000 })
  client.on('error', () => undefined) // the next statement fails and says why
  await client.connect()
  return client
}
