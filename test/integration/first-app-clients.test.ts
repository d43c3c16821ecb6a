/** The application that `postbus init` writes compiles for each client of Postgres, and publishes in a transaction. */
import { execFile } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CLIENTS } from '../../src/cli/first-app/clients.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { firstApps, stored } from '../support/first-app.ts'

const run = promisify(execFile)
const { folder: FOLDER, appOf, init, withSources } = firstApps('first-app-clients')
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus()
})

afterAll(async () => {
  rmSync(FOLDER, { recursive: true, force: true })
  await opened.close()
})

test('the application compiles as strictly as the library itself, and publishes in a transaction, with every client', async () => {
  const folders = await Promise.all(
    Object.keys(CLIENTS).map(async (client) => {
      const folder = appOf(client, { type: 'module', dependencies: { [client]: '*' } })
      expect(await init(folder)).toMatchObject({
        code: 0,
        err: expect.stringContaining(`Written for ${client}.`) as string,
      })
      withSources(folder)
      return folder
    }),
  )
  writeFileSync(
    join(FOLDER, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../../tsconfig.json',
      include: ['*/*.ts'],
      compilerOptions: { rootDir: '../../..' },
    }),
  )
  const compiled = run('npx', ['tsc', '--noEmit', '-p', join(FOLDER, 'tsconfig.json')]).catch(
    (error: { stdout: string }) => error,
  )
  const env = { ...process.env, DATABASE_URL: opened.connectionString }
  for (const cwd of folders) await run(process.execPath, ['publish.ts'], { cwd, env })

  expect((await compiled).stdout).toBe('')
  expect(await stored(opened.database)).toEqual({ orders: folders.length, events: folders.length })
})
