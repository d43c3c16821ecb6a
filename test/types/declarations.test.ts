/** An application can emit `.d.ts` files for its exports, with only the names that this package exports. */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc')

let app: string
beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'postbus-declarations-'))
  await installPackage()
})
afterAll(() => rm(app, { recursive: true }))

describe('an application that emits declarations', () => {
  test('can export everything that it makes with the package, with inferred types', async () => {
    const problems = await compile('shop', {
      'events.ts': `
        import { defineEvent, type EventOf } from 'postbus'
        import { z } from 'zod'
        export const OrderCreated = defineEvent('orders.order-created', {
          schema: z.object({ orderId: z.string(), total: z.string().transform(Number) }),
          version: 2,
          partitionKey: (data) => data.orderId,
        })
        export type OrderCreated = EventOf<typeof OrderCreated>
        export const anOrder = OrderCreated({ orderId: 'o1', total: '1' })
        export const OrderShipped = defineEvent('orders.order-shipped', { schema: z.date() })`,
      'handlers.ts': `
        import { defineHandler, discard, failed, snooze } from 'postbus'
        import { OrderCreated, OrderShipped } from './events.js'
        export const receipt = defineHandler('mail.receipt', { on: OrderCreated, handle: async () => failed('no') })
        export const both = defineHandler('mail.both', {
          on: [OrderCreated, OrderShipped],
          interested: (event) => event.type === 'orders.order-shipped',
          backoff: { initialMs: 1 },
          handle: (event, { attempt }) => (attempt > 1 ? snooze({ seconds: 1 }) : discard(event.id)),
        })
        export const audit = defineHandler('audit.log', { on: /^orders/, handle: (event, context) => context })
        export const all = [receipt, both, audit]`,
      'bus.ts': `
        import { createBus, printSignals } from 'postbus'
        import { anOrder } from './events.js'
        export const bus = createBus({ handlers: () => import('./handlers.js'), onSignal: printSignals() })
        export const publish = () => bus.publish(anOrder)
        export const worker = () => bus.worker({ pollMs: 100 })
        export const findings = () => bus.doctor()
        export const dead = bus.deadLetters`,
      'orders.test.ts': `
        import { assertEventPublished, currentTestBus, runEvent, withTestBus } from 'postbus/testing'
        import { anOrder, OrderCreated } from './events.js'
        import { receipt } from './handlers.js'
        export const asserted = () => assertEventPublished(OrderCreated, { orderId: 'o1' })
        export const ran = () => runEvent(receipt, anOrder)
        export const owner = () => currentTestBus()
        export const wrapped = () => withTestBus((test) => test.name)`,
      'database.ts': `
        import { test as base } from 'vitest'
        import { createBus } from 'postbus'
        import { drainEvents, openTestDatabase, publishedEvents, runEventOrThrow, testDatabase } from 'postbus/testing'
        import { anOrder, OrderCreated } from './events.js'
        import { receipt } from './handlers.js'
        const options = { bus: (connectionString: string) => createBus({ connectionString }) }
        export const fixture = await testDatabase(options)
        export const test = base.extend('database', fixture)
        export const database = base.extend('database', await testDatabase(options)).extend('url', ({ database }) => database.connectionString)
        export const opened = () => openTestDatabase(options)
        export const drained = () => drainEvents()
        export const published = () => publishedEvents(OrderCreated)
        export const succeeded = () => runEventOrThrow(receipt, anOrder)`,
    })

    expect(problems).toBe('')
    const declared = await readFile(join(app, 'shop/dist/events.d.ts'), 'utf8')
    expect(declared).toContain('import("postbus").EventType<"orders.order-created", 2')
    expect(declared).not.toMatch(/node_modules|dist\/src|:\s*any\b/)
  })

  test('registers the type of its transactions once, and its handlers get `tx` with that type', async () => {
    const problems = await compile('registered', {
      'register.ts': `
        import type { Transaction } from 'kysely'
        export interface Database { readonly invoices: { readonly order: string } }
        declare module 'postbus' {
          interface Register { tx: Transaction<Database> }
        }`,
      'handlers.ts': `
        import { createBus, defineEvent, defineHandler } from 'postbus'
        import type { Kysely } from 'kysely'
        import { z } from 'zod'
        import type { Database } from './register.js'
        export declare const db: Kysely<Database>
        const on = defineEvent('orders.order-created', { schema: z.object({ id: z.string() }) })
        export const made = defineHandler('invoices.make', {
          on,
          transactional: true,
          async handle({ data }, { tx, publish }) {
            await tx.insertInto('invoices').values({ order: data.id }).execute()
            await publish(on(data), { tx })
          },
        })
        export const inside = defineHandler('invoices.check', {
          on, runs: 'in-transaction', handle: (_, { tx }) => tx.selectFrom('invoices').select('order').execute(),
        })
        export const other = defineHandler('invoices.look', { on, handle: (_, { tx }) => tx?.isTransaction })
        export const bus = createBus({ handlers: [made, inside, other], transaction: (work) => db.transaction().execute(work) })
        // @ts-expect-error -- a worker gives it none
        defineHandler('invoices.a', { on, handle: (_, { tx }) => tx.isTransaction })
        // @ts-expect-error -- a boolean may be false
        defineHandler('invoices.b', { on, transactional: Boolean(db), handle: (_, { tx }) => tx.isTransaction })
        // @ts-expect-error -- there is no such table
        defineHandler('invoices.c', { on, transactional: true, handle: (_, { tx }) => tx.insertInto('nothing') })`,
    })

    expect(problems).toBe('')
  })

  test('cannot import internal files of the package', async () => {
    const problems = await compile('intruder', { 'a.ts': `export * from 'postbus/dist/src/bus.js'` })

    expect(problems).toContain('TS2307')
  })
})

/** Builds this checkout and installs it as npm would, with the files that `files` and `exports` of package.json allow. */
async function installPackage(): Promise<void> {
  const modules = join(app, 'node_modules')
  await mkdir(join(modules, 'postbus'), { recursive: true })
  await cp(join(ROOT, 'package.json'), join(modules, 'postbus/package.json'))
  await run(['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(modules, 'postbus/dist')])
  const others = (await readdir(join(ROOT, 'node_modules'))).filter((name) => !name.startsWith('.'))
  await Promise.all(others.map((name) => symlink(join(ROOT, 'node_modules', name), join(modules, name))))
}

/** Compiles an application. Returns the output of the compiler. */
async function compile(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(app, name)
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content)
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess']
  const options = ['--declaration', '--outDir', 'dist', '--module', 'nodenext', '--target', 'es2023', '--types', 'node']
  return run([...strict, ...options, ...Object.keys(files)], folder)
}

async function run(words: readonly string[], cwd = ROOT): Promise<string> {
  const answer = await promisify(execFile)(process.execPath, [TSC, ...words], { cwd }).catch((error: unknown) => error)
  return (answer as { stdout: string }).stdout
}
