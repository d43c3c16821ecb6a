/** README's quick start, typed as it is in an empty folder with the packed tarball: from nothing to the first handled event within a minute. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { until } from '../support/until.ts'

const run = promisify(execFile)
const MOST_MS = 60_000
let folder: string
let tarball: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postbus-quick-start-'))
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder])
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [{ filename: string }]
  tarball = join(folder, filename)
}, 5 * MOST_MS)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test(
  'a new user’s first event is handled within a minute, and the output is the one in README',
  async () => {
    const [install = '', init = '', dev = '', publish = ''] = blocksOf('sh')
    const [files, started, created, handled] = blocksOf('text')
    const cwd = mkdtempSync(join(folder, 'shop-'))
    const { DATABASE_URL: _none, ...others } = process.env
    const env = { ...others, PATH: [dirname(process.execPath), others['PATH']].join(delimiter) }
    const type = async (lines: string) => (await run('sh', ['-ec', lines], { cwd, env, timeout: 5 * MOST_MS })).stdout
    const begun = performance.now()

    await type(install.replace('npm install postbus ', `npm install ${tarball} `))
    const written = await type(init)
    const [command = '', ...words] = dev.trim().split(' ').slice(1)
    const child = spawn(process.execPath, [resolve(cwd, 'node_modules/.bin', command), ...words], { cwd, env })
    onTestFinished(() => void child.kill('SIGKILL'))
    let printed = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (printed += text))
    await until('the worker runs', () => printed.includes('A worker runs'), MOST_MS)
    const before = printed.length
    const published = await type(publish)
    await until('both have reacted', () => printed.includes('mail: a receipt'), MOST_MS)
    const tookMs = performance.now() - begun
    child.kill('SIGINT')
    const [code] = (await once(child, 'exit')) as [number]

    console.log(`From npm install to the last handler: ${(tookMs / 1_000).toFixed(1)} s`)
    expect(written).toBe(files)
    expect(shapeOf(printed.slice(0, before).replace(/^.* info .*\n/m, ''))).toBe(shapeOf(started ?? ''))
    expect(shapeOf(published)).toBe(shapeOf(created ?? ''))
    expect(shapeOf(printed.slice(before))).toContain(shapeOf(handled ?? ''))
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(MOST_MS)
  },
  10 * MOST_MS,
)

/** The blocks of the quick start, in order. */
function blocksOf(language: string): readonly string[] {
  const readme = readFileSync('README.md', 'utf8')
  const section = readme.slice(readme.indexOf('## Quick start'), readme.indexOf('**5.'))
  return Array.from(
    section.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm')),
    ([, text = '']) => text,
  )
}

/** Replaces values that change with each run: ids, times, the version and the secret. */
function shapeOf(text: string): string {
  return text
    .replace(/order-\d+/g, 'order-N')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/PostgreSQL [\d.]+/, 'PostgreSQL N')
    .replace(/secret=\S+/, 'secret=S')
    .replace(/\b01[0-9a-f]{6}-[-0-9a-f…]+/g, 'ID')
}
