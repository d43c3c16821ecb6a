/** docs/port-checklist.md names a page and a test for each behaviour of the ancestors, and all of them exist. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const FILE = 'docs/port-checklist.md'
const text = readFileSync(FILE, 'utf8')
/** The rows of its tables: four cells each, without heads and rules. */
const rows = text
  .split('\n')
  .filter((line) => line.startsWith('|') && !/^\|\s*(there|-)/.test(line))
  .map((line) => line.split(/(?<!\\)\|/).slice(1, -1))

test('every line names the behaviour here, a page and a test', () => {
  expect(rows.length).toBeGreaterThan(60)
  for (const [there, here, page, held] of rows) {
    expect([there?.trim(), here?.trim()]).not.toContain('')
    expect(page, there).toMatch(/\[.+\]\(.+\.md\)/)
    expect(held, there).toMatch(/`test\/.+`/)
  }
})

test('every page and test file that it names exists', () => {
  const pages = Array.from(text.matchAll(/\]\(([^)#]+\.md)/g), ([, page = '']) => join(dirname(FILE), page))
  const tests = Array.from(text.matchAll(/`(test\/[^`]+)`/g), ([, file = '']) => file)

  expect([...pages, ...tests].filter((path) => !existsSync(path))).toEqual([])
})
