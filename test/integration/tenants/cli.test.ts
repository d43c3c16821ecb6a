/** The command line with a config file whose bus has tenants. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Terminal } from '../../../src/cli/command.ts'
import { run } from '../../../src/cli/run.ts'
import { createBus } from '../../../src/index.ts'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { NoteTaken } from '../../support/notes.ts'
import { BLOCKS } from '../../support/readme-blocks.ts'

let opened: TestBus
let folder: string

beforeAll(async () => {
  opened = await openTestBus()
  mkdirSync(BLOCKS, { recursive: true })
  folder = mkdtempSync(resolve(BLOCKS, 'tenants-'))
  return async () => rmSync(folder, { recursive: true })
})

afterAll(() => opened.close())

/** Runs the command in this process, with a bus that has these tenants. */
async function postbus(tenants: string, ...words: string[]) {
  const config = join(folder, `${crypto.randomUUID()}.ts`)
  writeFileSync(
    config,
    `import { createBus } from '../../../src/index.ts'
    import { handlerThat } from '../../../test/support/notes.ts'
    export const bus = createBus({
      connectionString: ${JSON.stringify(opened.connectionString)},
      handlers: [handlerThat((n, { bus }) => { if (n > 1) throw new Error('too many for ' + bus.name) }, { maxAttempts: 1 })],
      tenants: ${tenants},
      onSignal: () => undefined,
    })`,
  )
  const [out, err] = [new PassThrough(), new PassThrough()]
  const printed = Promise.all([text(out), text(err)])
  const code = await run([...words, '--config', config], { out, err, in: Readable.from([]) } as unknown as Terminal)
  out.end()
  err.end()
  const [said, explained] = await printed
  return { code, out: said, err: explained }
}

const BOTH = "async () => ['tenant_a', 'tenant_b']"

test('migrate migrates each tenant, the worker works for all, and other commands work on the named tenant', async () => {
  const dry = await postbus(BOTH, 'migrate', '--dry-run')
  expect(dry).toMatchObject({ code: 0, out: expect.stringMatching(/^tenant_a: [^]*\ntenant_b: /) })
  expect(dry.err).toContain('2 tenants: 2 would change, 0 failed.')
  expect(await postbus(BOTH, 'migrate')).toMatchObject({ code: 0, err: expect.stringContaining('2 changed, 0 failed') })
  expect(await postbus(BOTH, 'migrate')).toMatchObject({ code: 0, err: '2 tenants: 0 changed, 0 failed.\n' })

  const bus = createBus({ connectionString: opened.connectionString, handlers: [] })
  const worked = () => postbus(BOTH, 'worker', '--once')
  expect((await worked()).out).toBe('{"done":0,"failed":0,"dead":0,"snoozed":0}\n')
  await bus.close()
  const shop = createBus({ connectionString: opened.connectionString, handlers: () => import('./handlers.ts') })
  await shop.forSchema('tenant_a').publish(NoteTaken({ n: 1 }))
  await shop.forSchema('tenant_b').publish(NoteTaken({ n: 2 }))
  await shop.close()
  expect((await worked()).out).toBe('{"done":1,"failed":0,"dead":1,"snoozed":0}\n')

  const dead = await postbus(BOTH, 'dead', 'list', '--json', '--tenant', 'tenant_b')
  expect(JSON.parse(dead.out)).toMatchObject({ handler: 'notes.take' })
  expect(dead.out).toContain('too many for tenant_b')
  expect((await postbus(BOTH, 'dead', 'list', '--tenant', 'tenant_a')).out).toBe('')
})

test('if one tenant cannot be migrated, the others are migrated, and the command fails', async () => {
  await opened.database.query('create schema broken_pgboss; create table broken_pgboss.version (version text)')

  const { code, err } = await postbus("() => ['broken', 'tenant_c']", 'migrate')

  expect(code).toBe(1)
  expect(err).toContain('broken failed: ')
  expect(err).toContain('2 tenants: 1 changed, 1 failed.')
})

test.each([
  [BOTH, [], 'This bus has tenants. Say which one: --tenant NAME.'],
  [BOTH, ['--tenant', 'tenant_x'], '--tenant tenant_x: there is none of that name. Did you mean "tenant_'],
  ['undefined', ['--tenant', 'tenant_a'], 'this bus has no tenants'],
])('with tenants %s, doctor %j explains the mistake', async (tenants, words, problem) => {
  const { code, err } = await postbus(tenants, 'doctor', ...words)

  expect(code).toBe(2)
  expect(err).toContain(problem)
})
