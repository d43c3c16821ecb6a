/**
 * Picks the Postgres that the tests run on, once per run: the one that DATABASE_URL names, else a container if Docker runs,
 * else the embedded one. Prints which one, and leaves nothing running. Tests use it through `createDatabase`.
 */
import { createHash, randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { Client, type QueryResult, type QueryResultRow } from 'pg'
import type { TestProject } from 'vitest/node'
import { env } from '../../config/env.ts'
import { createBus } from '../../src/index.ts'
import { type TestServer, testServer } from '../../src/testing/database/server.ts'

import { fastFolder } from './fast-folder.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A connection to the server whose user may create databases. */
    serverUrl: string
    /** A migrated database on this server, to be copied. No client is connected to it. */
    migrated: string
    /** SQL that makes `create database` copy files. The default copies block by block, which takes twice as long for a small database. */
    copying: string
  }
}

let server: TestServer | undefined

const migrated = `postbus_test_${randomBytes(8).toString('hex')}`

/** Overlapping test runs of this checkout share this folder. It is not the demo's. */
async function folderOfServer(): Promise<string> {
  const checkout = resolve(import.meta.dirname, '../..')
  const parent = await fastFolder(resolve(checkout, '.postbus'))
  return resolve(parent, `postbus-tests-${createHash('sha256').update(checkout).digest('hex').slice(0, 12)}`)
}

export async function setup(project: TestProject): Promise<void> {
  server = await testServer({ databaseUrl: env.databaseUrl, folder: await folderOfServer() })
  project.provide('serverUrl', server.connectionString)
  project.provide('copying', (await versionOf()) >= 15 ? 'strategy file_copy' : '') // older versions know no other way
  await onServer(`create database ${migrated}`)
  await migrate()
  project.provide('migrated', migrated)
  console.log(`Tests run on ${server.which}`)
}

export async function teardown(): Promise<void> {
  if (server && !server.isOurs) await onServer(`drop database if exists ${migrated} with (force)`)
  await server?.stop()
}

async function migrate(): Promise<void> {
  const url = new URL(server?.connectionString ?? '')
  url.pathname = `/${migrated}`
  const bus = createBus({ connectionString: url.href, handlers: [], onSignal: () => undefined })
  await bus.migrate()
  await bus.close()
}

async function versionOf(): Promise<number> {
  const { rows } = await onServer<{ version: number }>(
    `select current_setting('server_version_num')::integer / 10000 as version`,
  )
  return rows[0]?.version ?? 0
}

async function onServer<Row extends QueryResultRow>(statement: string): Promise<QueryResult<Row>> {
  const client = new Client({ connectionString: server?.connectionString })
  await client.connect()
  try {
    return await client.query<Row>(statement)
  } finally {
    await client.end()
  }
}
