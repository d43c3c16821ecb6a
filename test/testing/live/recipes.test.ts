/** The recipes of the documentation compile, and pass when they run as tests. */
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { BLOCKS } from '../../support/readme-blocks.ts'

const run = promisify(execFile)
const folder = join(BLOCKS, 'testing-live')
const vitest = resolve('node_modules/vitest/vitest.mjs')

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'app.ts'), SHOP)
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../../../tsconfig.json', include: ['*.ts'] }))
  writeFileSync(
    join(folder, 'vitest.config.ts'),
    `export default { test: { include: ['${folder}/*.test.ts'], setupFiles: ['src/testing/vitest.ts'], maxWorkers: 2 } }`,
  )
  for (const [file, code] of blocks()) writeFileSync(join(folder, file), code)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('the recipes compile as strictly as the library itself', async () => {
  const { stdout } = await run('npx', ['tsc', '-p', join(folder, 'tsconfig.json')]).catch(failure)

  expect(stdout).toBe('')
})

test('the recipes for vitest pass', { timeout: 60_000 }, async () => {
  const { stdout, stderr } = await run(
    process.execPath,
    [vitest, 'run', '--config', join(folder, 'vitest.config.ts')],
    { env: environment() },
  ).catch(failure)

  expect(stdout + stderr).toMatch(/Tests .*4 passed/)
})

test('the recipe for node:test passes', async () => {
  const { stdout } = await run(process.execPath, ['--test', join(folder, 'own-setup.ts')], {
    env: environment(),
  }).catch(failure)

  expect(stdout).toContain('pass 1\n')
  expect(stdout).toContain('fail 0\n')
})

function blocks(): readonly (readonly [file: string, code: string])[] {
  const [, text = ''] = readFileSync('docs/testing.md', 'utf8').split('\n## The real thing')
  return Array.from(text.matchAll(/^```ts\n\/\/ (\S+\.ts)\n([\s\S]*?)^```/gm), ([, file = '', code = '']) => [
    file,
    code
      .replaceAll(`from 'postbus/testing'`, `from '../../../src/testing/index.ts'`)
      .replaceAll(`from 'postbus'`, `from '../../../src/index.ts'`),
  ])
}

function failure(error: { stdout: string; stderr: string }) {
  return error
}

/** The environment of a terminal, without the variables of this test's own run. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST') && name !== 'NODE_TEST_CONTEXT')
  return { ...Object.fromEntries(own), NO_COLOR: '1', DATABASE_URL: inject('serverUrl') }
}

/** The application that a reader would have. */
const SHOP = `
import { Client } from 'pg'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, snooze } from '../../../src/index.ts'

export const OrderCreated = defineEvent('orders.order-created', {
  schema: z.object({ orderId: z.string(), total: z.number() }),
  partitionKey: (data) => data.orderId,
})

export const cards = {
  charged: [] as string[],
  declines: 0,
  declineTimes(times: number) {
    this.declines = times
  },
  charge(orderId: string) {
    this.declines -= 1
    if (this.declines >= 0) throw new Error('declined')
    this.charged.push(orderId)
  },
}

export const reminders = { sent: [] as string[] }
const seen = new Set<string>()

const chargeCard = defineHandler('finances.charge-card', {
  on: OrderCreated,
  interested: (event) => event.data.total > 0,
  handle: (event) => cards.charge(event.data.orderId),
})

const remind = defineHandler('email.remind', {
  on: OrderCreated,
  interested: (event) => event.data.total === 0,
  handle(event) {
    if (!seen.has(event.id)) {
      seen.add(event.id)
      return snooze({ hours: 72 })
    }
    reminders.sent.push(event.data.orderId)
    return undefined
  },
})

export interface Tables {
  orders: { id: string }
}

export function createShopBus(connectionString: string) {
  return createBus({ connectionString, handlers: [chargeCard, remind], onSignal: () => undefined })
}

export async function migrateShop(connectionString: string) {
  const client = new Client({ connectionString })
  await client.connect()
  await client.query('create table orders (id text primary key)')
  await client.end()
}
`
