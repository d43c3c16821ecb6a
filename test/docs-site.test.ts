/** The checks of the docs site that need no build: every page has its place, and every link leads somewhere. */
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { entries } from '../site/entries.ts'
import { linkTargets, withLinksOfSite } from '../site/links.ts'
import { llmsFull, llmsIndex } from '../site/llms.ts'
import { anchorOf, firstSentenceOf, headingsOf } from '../site/markdown.ts'
import { docsFiles, placeOf, publishedFiles, textOf } from '../site/published.ts'

test('every page of docs/ has exactly one line in site/pages.ts', () => {
  const published = publishedFiles()

  expect(docsFiles().filter((file) => !published.includes(file))).toEqual([])
  expect(published.filter((file, index) => published.indexOf(file) !== index)).toEqual([])
  expect(new Set(published.map(placeOf)).size).toBe(published.length)
})

test('every line of site/pages.ts has its page, with a heading and a first sentence for llms.txt', () => {
  const published = publishedFiles()

  expect(published.filter((file) => !existsSync(file))).toEqual([])
  expect(published.filter((file) => firstSentenceOf(textOf(file)) === '')).toEqual([])
})

test('every link between pages leads to an existing page, heading or file', () => {
  const targets = linkTargets()

  expect(publishedFiles().flatMap((file) => withLinksOfSite(file, textOf(file), targets).broken)).toEqual([])
})

test('links beside images and code are rewritten, and code stays unchanged', () => {
  const page = [
    '[here](ordering.md#what-is-promised) [![a picture](images/operator-page-now.png)](operator-page.md)',
    '[gone](nowhere.md) [no heading](ordering.md#nothing) [source](../src/bus.ts) [away](https://example.org/a.md)',
    '```ts',
    'const link = "[code](nowhere.md)"',
    '```',
  ].join('\n')

  const { text, broken } = withLinksOfSite('docs/page.md', page, linkTargets())

  expect(broken).toEqual(['docs/page.md → nowhere.md', 'docs/page.md → ordering.md#nothing'])
  expect(text).toContain('[here](/ordering.md#what-is-promised)')
  expect(text).toContain('[![a picture](/images/operator-page-now.png)](/operator-page.md)')
  expect(text).toContain('[away](https://example.org/a.md)')
  expect(text).toContain('"[code](nowhere.md)"')
})

test('anchors are the same as GitHub’s', () => {
  expect(anchorOf('`bus.events.list()`, and what it returns')).toBe('buseventslist-and-what-it-returns')
  expect(anchorOf('What you can rely on')).toBe('what-you-can-rely-on')
  expect(anchorOf('POSTBUS_NO_SUCH_EVENT')).toBe('postbus_no_such_event')
  expect(headingsOf('# One\n\n## Two\n\n```sh\n# no heading\n```\n\n## Two\n')).toEqual(['one', 'two', 'two-1'])
})

test('llms.txt lists every page, and llms-full.txt contains the pages', () => {
  const index = llmsIndex((file) => file)
  const full = llmsFull()

  expect(publishedFiles().filter((file) => !index.includes(`](${file})`))).toEqual([])
  expect(full).toContain(textOf('docs/ordering.md').trim())
})

test('every entry of the package is part of the API pages', () => {
  expect(entries().map(({ name }) => name)).toContain('postbus/testing')
  expect(entries().filter(({ source }) => !existsSync(source))).toEqual([])
})
