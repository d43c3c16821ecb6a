/** The blocks of docs/on-time.md compile and run as they are, and its command lines are valid. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Bus, CompletionReport } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { postbusCommands, writeReadmeBlocks, type ReadmeBlocks } from '../support/readme-blocks.ts'

const DOCUMENT = 'docs/on-time.md'
const run = promisify(execFile)
let opened: TestBus
let blocks: ReadmeBlocks

beforeAll(async () => {
  opened = await openTestBus()
  blocks = writeReadmeBlocks('on-time', app(), DOCUMENT)
  const strict = JSON.stringify({ extends: '../../../tsconfig.json', include: ['*.ts'] })
  writeFileSync(join(blocks.folder, 'tsconfig.json'), strict)
})

afterAll(async () => {
  blocks.remove()
  await opened.close()
})

test('the blocks compile as strictly as the library itself, and run', async () => {
  const compiled = await run('npx', ['tsc', '-p', join(blocks.folder, 'tsconfig.json')]).catch(
    (error: { stdout: string }) => error,
  )
  for (const file of blocks.files) await load(file)
  const { bus, useHandlers, asked, charged, OrderPlaced, ExpenseClaimed } = await load<App>('app.ts')
  const { charge, onCallback } = await load<Payments>('payments.ts')
  const { askForApproval, approve } = await load<Approvals>('approvals.ts')
  const working = useHandlers([charge, askForApproval])
  await working.migrate()
  await working.publish([OrderPlaced({ total: 42 }), ExpenseClaimed({ employee: 'grace' })])
  await working.drain()

  const answers = [await callback('paid'), await callback('paid'), (await approve(asked[0] ?? '', 'ada')).state]

  expect(compiled.stdout).toBe('')
  expect(answers).toEqual([204, 204, 'done'])
  expect((await bus.acts.list()).acts.map(({ act }) => act)).toEqual(['deliveries.complete', 'schedules.run', 'cancel'])
  const { scheduledBus } = await load<{ scheduledBus: Bus }>('scheduled-bus.ts')
  await Promise.all([bus, working, scheduledBus].map((one) => one.close()))

  function callback(status: string) {
    return onCallback({ reference: charged[0] ?? '', status, message: '' })
  }
}, 60_000)

test('the command lines are valid', async () => {
  const cli = resolve('src/cli/main.ts')
  for (const [command = '', ...words] of postbusCommands(DOCUMENT)) {
    const { stdout } = await run(process.execPath, [cli, command, '--help'])
    expect(words.filter((word) => word.startsWith('--') && !stdout.includes(word))).toEqual([])
  }
})

interface App {
  bus: Bus
  useHandlers(handlers: unknown[]): Bus
  asked: string[]
  charged: string[]
  OrderPlaced(data: object): never
  ExpenseClaimed(data: object): never
}

interface Payments {
  charge: unknown
  onCallback(body: object): Promise<number>
}

interface Approvals {
  askForApproval: unknown
  approve(id: string, by: string): Promise<CompletionReport>
}

function load<Module = unknown>(file: string): Promise<Module> {
  return import(pathToFileURL(resolve(blocks.folder, file)).href) as Promise<Module>
}

function app(): string {
  return `import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import { Pool } from 'pg'
import { z } from 'zod'
import { createBus, defineEvent, type AnyHandler } from '../../../src/index.ts'

export const connectionString = ${JSON.stringify(opened.connectionString)}
const quiet = { connectionString, onSignal: () => undefined }
export const bus = createBus(quiet)
export const useHandlers = (handlers: AnyHandler[]) => createBus({ ...quiet, handlers })
export const db = new Kysely<object>({ dialect: new PostgresDialect({ pool: new Pool({ connectionString, max: 1, allowExitOnIdle: true, idleTimeoutMillis: 50 }) }) })

export const CartAbandoned = defineEvent('carts.abandoned', { schema: z.object({ cartId: z.string() }) })
export const TrialEnded = defineEvent('trials.ended', { schema: z.object({ userId: z.string() }) })
export const OrderPlaced = defineEvent('orders.placed', { schema: z.object({ total: z.number() }) })
export const ExpenseClaimed = defineEvent('expenses.claimed', { schema: z.object({ employee: z.string() }) })
export const DayPassed = defineEvent('calendar.day-passed', { schema: z.object({ day: z.string(), isLate: z.boolean() }) })

export const charged: string[] = []
export const provider = { charge: async (_: number, { reference }: { reference: string; idempotencyKey: string }) => void charged.push(reference) }
export const asked: string[] = []
export const approvals = {
  ask: async (_: string, deliveryId: string) => void asked.push(deliveryId),
  store: async (_tx: Transaction<object>, _id: string, _by: string) => undefined,
}
`
}
