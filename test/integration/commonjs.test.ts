/** A CommonJS application: it requires the package, and its handlers and config are compiled to CommonJS. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const PACKAGE = JSON.stringify(resolve('src/index.ts'))
const KIT = JSON.stringify(resolve('src/testing/index.ts'))
const MAIN = resolve('src/cli/main.ts')

let app: string
beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'postbus-commonjs-'))
  await writeFile(join(app, 'package.json'), '{ "type": "commonjs" }')
  await writeFile(join(app, 'events.js'), EVENTS)
  await writeFile(join(app, 'handlers.js'), HANDLERS)
  await writeFile(join(app, 'hidden-names.js'), `module.exports = Object.assign({}, require('./handlers.js'))`)
})
afterAll(() => rm(app, { recursive: true }))

test.each([
  ['import()', `() => import('./handlers.js')`],
  ['import() compiled to require()', `() => Promise.resolve().then(() => __importStar(require('./handlers.js')))`],
  ['import() of exports that Node cannot name', `() => import('./hidden-names.js')`],
  ['require()', `() => require('./handlers.js')`],
  ['require() at once', `require('./handlers.js')`],
])('handlers are found by %s', async (_, handlers) => {
  await writeFile(join(app, 'app.js'), appWith(handlers))

  expect(await run('app.js')).toBe('1 delivery, 1 published')
})

test('a config file in CommonJS exports its bus', async () => {
  await writeFile(
    join(app, 'postbus.config.js'),
    `const { createBus } = require(${PACKAGE})
    module.exports = Object.fromEntries([['bus', createBus({ backend: 'mailbox', handlers: () => import('./handlers.js') })]])`,
  )

  const doctor = promisify(execFile)(process.execPath, [MAIN, 'doctor'], { cwd: app })

  await expect(doctor).rejects.toThrow("This bus keeps everything in memory (`backend: 'mailbox'`)")
})

const EVENTS = `
Object.defineProperty(exports, '__esModule', { value: true })
const { defineEvent } = require(${PACKAGE})
exports.OrderCreated = defineEvent('orders.created', { schema: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } } })`

const HANDLERS = `
"use strict";
Object.defineProperty(exports, '__esModule', { value: true })
const { defineHandler } = require(${PACKAGE})
const { OrderCreated } = require('./events.js')
exports.receipt = defineHandler('mail.receipt', { on: OrderCreated, handle: () => undefined })
exports.default = [exports.receipt]`

/** `__importStar` is what TypeScript puts into a module that imports one. */
function appWith(handlers: string): string {
  return `
const { createBus } = require(${PACKAGE})
const { assertEventPublished, publishedEvents, withTestBus } = require(${KIT})
const { OrderCreated } = require('./events.js')
function __importStar(module) { return module && module.__esModule ? module : { ...module, default: module } }
void withTestBus(async () => {
  const bus = createBus({ handlers: ${handlers} })
  const { events } = await bus.publish(OrderCreated({ orderId: 'o1' }))
  assertEventPublished(OrderCreated, { orderId: 'o1' })
  process.stdout.write(events[0].deliveries + ' delivery, ' + publishedEvents().length + ' published')
})`
}

async function run(file: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(app, file)], { cwd: app })
  return stdout
}
