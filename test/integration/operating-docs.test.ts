/** The blocks of docs/operating.md compile and run, and its command lines are valid. */
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { postbusHere as postbus } from '../support/cli.ts'
import * as handlers from '../support/fixtures/cli/event-handlers.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { BLOCKS } from '../support/readme-blocks.ts'

const run = promisify(execFile)
const folder = join(BLOCKS, 'operating')
const text = readFileSync('docs/operating.md', 'utf8')
let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({
    handlers: [...Object.values(handlers), handlerThat(() => undefined, { name: 'stock.reserve' })],
  })
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../../../tsconfig.json', include: ['*.ts'] }))
  writeFileSync(
    join(folder, 'app.ts'),
    `import { createBus, defineHandler } from '../../../src/index.ts'
export const orderId = 'order-17'
export const lastYear = new Date('2020-01-01')
export const bus = createBus({
  connectionString: ${JSON.stringify(shop.connectionString)},
  handlers: [defineHandler('stock.reserve', { on: 'notes.*', handle: () => undefined })],
})
`,
  )
  for (const [, file = '', code = ''] of text.matchAll(/^```ts\n\/\/ (\S+\.ts)\n([\s\S]*?)^```/gm)) {
    writeFileSync(join(folder, file), code)
  }
})

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await shop.close()
})

test('the block compiles as strictly as the library itself, and runs', async () => {
  await shop.bus.publish(NoteTaken({ n: 1, key: 'order-17' }))
  const { stdout } = await run('npx', ['tsc', '-p', join(folder, 'tsconfig.json')]).catch(
    (error: { stdout: string }) => error,
  )
  const { bus } = (await import(pathToFileURL(resolve(folder, 'app.ts')).href)) as { bus: TestBus['bus'] }
  for (const file of ['backlog.ts', 'rates.ts', 'repair.ts']) await import(pathToFileURL(resolve(folder, file)).href)
  await bus.close()

  expect(stdout).toBe('')
  const { acts } = await shop.bus.acts.list()
  expect(acts.map(({ act }) => act)).toEqual([
    'events.delete',
    'events.redact',
    'resume',
    'pause',
    'lanes.rewind',
    'lanes.retryAll',
  ])
}, 120_000)

test('the command lines are valid', async () => {
  const lines = Array.from(text.matchAll(/^npx postbus (.*?)\s*(?:#.*)?$/gm), ([, words = '']) => words.split(/\s+/))

  const codes: (number | null)[] = []
  for (const words of lines) codes.push((await postbus(shop.connectionString, words)).code)

  expect(codes).toEqual(lines.map(() => 0))
}, 180_000)
