/**
 * Picks the Postgres that the tests run on, once per run: the one DATABASE_URL names, else a container if Docker answers,
 * else the embedded one. Says which in one line, and leaves nothing running. Tests get at it by `createDatabase`.
 */
import { resolve } from 'node:path'
import type { TestProject } from 'vitest/node'
import { env } from '../../config/env.ts'
import { type TestServer, testServer } from '../../src/testing/database/server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A connection to the server whose user may create databases. */
    serverUrl: string
  }
}

let server: TestServer | undefined

/** Shared by test runs that overlap, apart from the demo's. */
const folder = resolve(import.meta.dirname, '../../.postbus/test-postgres')

export async function setup(project: TestProject): Promise<void> {
  server = await testServer({ databaseUrl: env.databaseUrl, folder })
  project.provide('serverUrl', server.connectionString)
  console.log(`Tests run on ${server.which}`)
}

export async function teardown(): Promise<void> {
  await server?.stop()
}
