/**
 * Picks the Postgres that the tests run on, once per run: the one DATABASE_URL names, else a container if Docker answers,
 * else the embedded one. Says which in one line, and leaves nothing running. Tests get at it by `createDatabase`.
 */
import type { TestProject } from 'vitest/node'
import { type TestServer, testServer } from './test-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A connection to the server whose user may create databases. */
    serverUrl: string
  }
}

let server: TestServer | undefined

export async function setup(project: TestProject): Promise<void> {
  server = await testServer()
  project.provide('serverUrl', server.connectionString)
  console.log(`Tests run on ${server.which}`)
}

export async function teardown(): Promise<void> {
  await server?.stop()
}
