/**
 * The docs site, built and read in a real Chromium: every page and link, the search, and a page for every exported name. With
 * POSTBUS_SITE=built it reads the site that an earlier `npm run docs` has built.
 */
import { execFile } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { entries, placeOfEntry } from '../../site/entries.ts'
import { exportedNames } from '../support/exported-names.ts'
import { serveFolder, type ServedFolder } from '../support/serve-folder.ts'

const DIST = 'site/dist'
const LONG = 1_800_000
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const run = promisify(execFile)
let site: ServedFolder
let browser: Browser

beforeAll(async () => {
  if (process.env['POSTBUS_SITE'] !== 'built') await run('npm', ['run', 'docs'], { maxBuffer: 100 * 1_048_576 })
  site = await serveFolder(DIST)
  browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  })
}, LONG)

afterAll(async () => {
  await browser?.close()
  await site?.close()
})

const pages = (): readonly string[] => globSync('**/*.html', { cwd: DIST, exclude: ['404.html'] }).toSorted()
const isOfApi = (page: string) => page.startsWith('api/')

test(
  'every page opens without an error in the browser, and every link leads to an existing page and heading',
  async () => {
    const { page, complaints } = await opened()
    const anchors = new Map(pages().map((file) => [`/${file}`, anchorsIn(file)]))
    const broken: string[] = []

    for (const file of pages()) {
      await page.goto(`${site.address}/${file}`)
      const links = await page.evaluate<string[]>(
        `[...document.querySelectorAll('a[href]')].map(({ href }) => href).filter((href) => href.startsWith(location.origin))`,
      )
      broken.push(...links.filter((link) => !leadsSomewhere(link, anchors)).map((link) => `${file} → ${link}`))
    }

    expect(pages().length).toBeGreaterThan(200)
    expect([...new Set(broken)]).toEqual([])
    expect(complaints).toEqual([])
  },
  LONG,
)

test.each(['light', 'dark'] as const)(
  'in %s, axe finds no problem on any page, and on one page of each kind of the API',
  async (colorScheme) => {
    const { page } = await opened(colorScheme)

    for (const file of [...pages().filter((one) => !isOfApi(one)), ...onePerFolder(pages().filter(isOfApi))]) {
      await page.goto(`${site.address}/${file}`)
      await page.evaluate(AXE)
      const { violations } = await page.evaluate<{ violations: Violation[] }>('axe.run()')
      expect(
        violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html).slice(0, 3)]),
        file,
      ).toEqual([])
    }
  },
  LONG,
)

interface Violation {
  readonly id: string
  readonly nodes: readonly { readonly html: string }[]
}

test('the search finds “dead letter” without requests to another server', async () => {
  const { page, complaints } = await opened()
  await page.goto(site.address)

  await page.getByRole('button', { name: 'Search' }).first().click()
  await page.locator('#localsearch-input').fill('dead letter')
  await page.locator('#localsearch-list li').first().waitFor()

  expect((await page.locator('#localsearch-list').textContent())?.toLowerCase()).toContain('dead letter')
  expect(complaints).toEqual([])
})

test('names in code show their types', async () => {
  const { page } = await opened()
  await page.goto(`${site.address}/concepts.html`)

  await page.locator('.twoslash-hover', { hasText: 'createInvoice' }).first().hover()

  const shown = page.getByText('const createInvoice: Handler').first()
  await shown.waitFor()
  expect(await shown.textContent()).toContain('"finances.create-invoice"')
})

test('every name that an entry exports has a page, and every error code has a section', () => {
  const missing = entries().flatMap((entry) => {
    const place = placeOfEntry(entry)
    const overview = readFileSync(`${DIST}${place}index.html`, 'utf8')
    // A name that two entries export has its page in one of them. The other one's overview links to it.
    const isThere = (name: string) =>
      globSync(`${DIST}${place}*/${name}.html`).length > 0 || overview.includes(`/${name}.html"`)
    return exportedNames(entry.source)
      .filter((name) => !isThere(name))
      .map((name) => `${entry.name}: ${name}`)
  })
  const codes = readFileSync('src/errors.ts', 'utf8').match(/(?<=\| ')POSTBUS_\w+/g) ?? []
  const sections = anchorsIn('reference/errors.html')

  expect(missing).toEqual([])
  expect(codes.filter((code) => !sections.has(code.toLowerCase()))).toEqual([])
})

test('programs find llms.txt, and the Markdown pages that it lists', async () => {
  const index = await (await fetch(`${site.address}/llms.txt`)).text()
  const listed = Array.from(index.matchAll(/\]\(([^)]+\.md)\)/g), ([, path = '']) => path)

  expect(listed.length).toBeGreaterThan(30)
  expect(listed.filter((path) => !existsSync(`${DIST}/${path}`))).toEqual([])
  expect(existsSync(`${DIST}/llms-full.txt`)).toBe(true)
})

/** A page, and the errors and foreign requests of the browser that it collects. */
async function opened(colorScheme: 'light' | 'dark' = 'light'): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage({ colorScheme })
  const complaints: string[] = []
  page.on('console', (message) => message.type() === 'error' && complaints.push(`${page.url()}: ${message.text()}`))
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`))
  page.on('request', (request) => {
    if (!request.url().startsWith(site.address) && !request.url().startsWith('data:')) complaints.push(request.url())
  })
  return { page, complaints }
}

function anchorsIn(file: string): ReadonlySet<string> {
  return new Set(Array.from(readFileSync(`${DIST}/${file}`, 'utf8').matchAll(/ id="([^"]+)"/g), ([, id = '']) => id))
}

function leadsSomewhere(link: string, anchors: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  const { pathname, hash } = new URL(link)
  const path = decodeURIComponent(pathname).replace(/\/$/, '/index.html')
  if (!existsSync(`${DIST}${path}`)) return false
  return hash === '' || anchors.get(path)?.has(decodeURIComponent(hash.slice(1))) === true || hash === '#VPContent'
}

function onePerFolder(files: readonly string[]): readonly string[] {
  return [...Map.groupBy(files, (file) => file.replace(/[^/]*$/, '')).values()].flatMap(([first = '']) => [first])
}
