import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postbus } from '../../support/cli.ts'

/** The parts of a bus that `postbus doctor` needs. */
const BUS = `export const bus = {
  publish() {}, worker() {}, migrate() {},
  async doctor() { return [{ check: 'handlers', status: process.argv.includes('--json') ? 'problem' : 'ok', message: 'seen' }] },
  async close() {},
}\n`

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'postbus-config-'))
})
afterAll(() => rm(root, { recursive: true }))

describe.concurrent('a config file', () => {
  test.each(['postbus.config.ts', 'postbus.config.mjs', 'config/postbus.config.ts'])('is found as %s', async (file) => {
    const { code, out } = await doctor({ [file]: BUS })

    expect(out).toContain('handlers  seen')
    expect(code).toBe(0)
  })

  test('in TypeScript is preferred to one in JavaScript, and one in this folder to one in config/', async () => {
    const { out } = await doctor({
      'config/postbus.config.ts': BUS.replace('seen', 'config'),
      'postbus.config.js': BUS.replace('seen', 'js'),
      'postbus.config.ts': BUS.replace('seen', 'ts'),
    })

    expect(out).toContain('handlers  ts')
  })

  test('may have any path that is given as an option', async () => {
    const { code, out } = await doctor({ 'deep/shop.ts': BUS }, '-c', 'deep/shop.ts')

    expect(out).toContain('seen')
    expect(code).toBe(0)
  })

  test('may use TypeScript that Node can strip', async () => {
    const typed = `interface Finding { readonly check: string }\nexport type Findings = readonly Finding[]\n${BUS}`

    const { code } = await doctor({ 'postbus.config.ts': typed })

    expect(code).toBe(0)
  })

  test('leads to exit code 3 when doctor finds problems', async () => {
    const { code, json } = await doctor({ 'postbus.config.ts': BUS }, '--json')

    expect(json()).toEqual([{ check: 'handlers', status: 'problem', message: 'seen' }])
    expect(code).toBe(3)
  })

  test.each([
    [
      'exports no bus',
      'export const buss = 1',
      'POSTBUS_INVALID_CONFIG',
      'exports no `bus`. Expected: export const bus',
    ],
    ['exports something else as bus', 'export const bus = {}', 'POSTBUS_INVALID_CONFIG', 'exports no `bus`'],
    ['has an enum', 'export enum Level { Low }', 'POSTBUS_CONFIG_SYNTAX', 'node --import tsx'],
    ['has a parameter property', 'class A { constructor(readonly b: string) {} }', 'POSTBUS_CONFIG_SYNTAX', 'tsx'],
    [
      'imports without a file ending',
      `import { handlers } from './event-handlers'\n${BUS}console.log(handlers)`,
      'POSTBUS_CONFIG_SYNTAX',
      'Imports need their file endings',
    ],
    [
      'imports what is not installed',
      `import 'no-such-package'`,
      'POSTBUS_CONFIG_SYNTAX',
      'a package that is not installed',
    ],
  ])('that %s is refused with exit code 1 and a way to fix it', async (_, content, code, says) => {
    const result = await doctor({ 'postbus.config.ts': content, 'event-handlers.ts': 'export const handlers = []' })

    expect(result.err).toMatch(new RegExp(`^${code}: .*postbus\\.config\\.ts`))
    expect(result.err).toContain(says)
    expect([result.code, result.out]).toEqual([1, ''])
  })

  test('that throws shows its own error with the stack', async () => {
    const { code, err } = await doctor({ 'postbus.config.ts': `throw new TypeError('of null')` })

    expect(err).toMatch(/TypeError: of null\n {4}at .*postbus\.config\.ts:1/)
    expect(code).toBe(1)
  })
})

/** Runs `postbus doctor` in a folder with these files. */
async function doctor(files: Readonly<Record<string, string>>, ...words: string[]) {
  const folder = await mkdtemp(join(root, 'app-'))
  for (const [name, content] of Object.entries({ 'package.json': '{ "type": "module" }', ...files })) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
  return postbus('', ['doctor', ...words], { config: null, cwd: folder })
}
