/** `postbus init` writes a first application, for each client of Postgres, and `postbus dev` runs it. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createDatabase } from '../support/database.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { postbus } from '../support/cli.ts'
import { firstApps } from '../support/first-app.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)
const MAIN = resolve('src/cli/main.ts')
const { folder: FOLDER, appOf, init, withSources } = firstApps('first-app')
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus()
})

afterAll(async () => {
  rmSync(FOLDER, { recursive: true, force: true })
  await opened.close()
})

describe('a first application', () => {
  test('replaces no file, and names the existing file', async () => {
    const folder = appOf('taken', { type: 'module' })
    writeFileSync(join(folder, 'events.ts'), 'mine')

    expect(await init(folder)).toMatchObject({
      code: 2,
      out: '',
      err: 'Nothing is written: there is already events.ts.\n',
    })
    expect(readdirSync(folder).toSorted()).toEqual(['events.ts', 'package.json'])
    expect(readFileSync(join(folder, 'events.ts'), 'utf8')).toBe('mine')
  })

  test.each([
    ['a new folder becomes one of modules', { dependencies: { postbus: '1' } }, [], 'ts', 'module'],
    ['one of modules stays so', { type: 'module' }, ['server.js'], 'ts', 'module'],
    ['one of CommonJS stays so, and gets files that are modules', { type: 'commonjs' }, [], 'mts', 'commonjs'],
    ['an older application that does not say it is one of CommonJS', {}, ['server.js'], 'mts', undefined],
  ])('%s', async (name, manifest, others, ending, type) => {
    const folder = appOf(name, manifest)
    for (const other of others) writeFileSync(join(folder, other), '')

    const { out } = await init(folder)

    expect(out).toBe(['postbus.config', 'events', 'handlers', 'publish'].map((one) => `${one}.${ending}\n`).join(''))
    expect(readFileSync(join(folder, `publish.${ending}`), 'utf8')).toContain(`from './events.${ending}'`)
    expect((JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { type?: string }).type).toBe(type)
  })

  test('names the packages to install, and problems in package.json', async () => {
    const missing = await init(appOf('missing', { dependencies: { postbus: '1', kysely: '1' } }))
    const broken = appOf('broken', {})
    writeFileSync(join(broken, 'package.json'), '{')
    const none = appOf('none', {})
    rmSync(join(none, 'package.json'))

    expect(missing.err).toContain('\n  npm install zod pg\n')
    expect(await init(broken)).toMatchObject({
      code: 1,
      err: expect.stringContaining('POSTBUS_INVALID_CONFIG') as string,
    })
    expect(await init(none)).toMatchObject({ code: 2, err: expect.stringContaining('npm install postbus') as string })
  })
})

describe('postbus dev', () => {
  test('migrates the database of DATABASE_URL, runs a worker, serves the page, and ends with Ctrl-C', async () => {
    const empty = await createDatabase()
    onTestFinished(() => empty.drop())
    const folder = appOf('dev', { type: 'module' })
    await init(folder)
    withSources(folder)
    const env = { ...process.env, DATABASE_URL: empty.connectionString }
    const child = spawn(process.execPath, [MAIN, 'dev', '--port', '0'], { cwd: folder, env })
    onTestFinished(() => void child.kill('SIGKILL'))
    let [out, err] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))

    await until('it works', () => err.includes('A worker runs.'))
    await run(process.execPath, ['publish.ts'], { cwd: folder, env })
    await until('both handlers have run', () => /an invoice over 42[^]*a receipt for order/.test(out))
    const [, page = ''] = /Operator page: (\S+)/.exec(err) ?? []
    const { status } = await fetch(page, { redirect: 'manual' })
    child.kill('SIGINT')
    const [code] = (await once(child, 'exit')) as [number]

    expect(err).toContain('Database: the one of DATABASE_URL.')
    expect({ status, code }).toEqual({ status: 303, code: 0 })
  })

  test('names a port that is taken', async () => {
    const folder = appOf('taken-port', { type: 'module' })
    await init(folder)
    const port = new URL(opened.connectionString).port
    const { code, err } = await postbus('', ['dev', '--database-port', port], { cwd: folder, config: null })

    expect({ code, err }).toEqual({
      code: 2,
      err: `Port ${port} is taken. Choose another one: postbus dev --database-port ${Number(port) + 1}.\n`,
    })
  })
})
