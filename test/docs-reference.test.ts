/** The reference is complete and correct: commands, options, error codes, signals, metrics and tables. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { PRINTED_PAGES, printed } from './support/printed-pages.ts'

test.each(PRINTED_PAGES)('%s matches the sources; print it with: npm run docs:tables', async (file) => {
  expect(readFileSync(file, 'utf8')).toBe(await printed(file))
})

describe('error codes', () => {
  const page = readFileSync('docs/reference/errors.md', 'utf8')
  const sections = page.split(/^### /m).slice(1)

  test('each code has a section, and each section has a code', () => {
    const codes = namesIn('src/errors.ts', 'PostbusErrorCode')

    expect(sections.map((section) => section.split('\n')[0] ?? '').toSorted()).toEqual(codes)
  })

  test('each section says when the error is raised, and what to do', () => {
    const silent = sections.filter((section) => !/^- \*\*When:\*\* .+\n- \*\*Do:\*\* .+/m.test(section))

    expect(silent).toEqual([])
  })
})

test('every signal has a row', () => {
  const rows = rowsOf('docs/reference/signals.md')

  expect(rows.toSorted()).toEqual(namesIn('src/signals.ts', 'BusSignalName'))
})

test('every table has a row', () => {
  const schema = readFileSync('test/golden/schema.sql', 'utf8')
  const tables = Array.from(schema.matchAll(/^create table postbus\.(\w+)/gm), ([, table = '']) => table)

  expect(rowsOf('docs/reference/tables.md').toSorted()).toEqual(
    tables.filter((table) => !/^history_\d+$/.test(table)).toSorted(),
  )
})

/** The members of a union of string literals, sorted. */
function namesIn(file: string, union: string): readonly string[] {
  const [, members = ''] = new RegExp(`type ${union} =\\n((?:  \\| '.+'\\n)+)`).exec(readFileSync(file, 'utf8')) ?? []
  return Array.from(members.matchAll(/'(.+)'/g), ([, name = '']) => name).toSorted()
}

/** The first cell of each row, without backticks. */
function rowsOf(file: string): readonly string[] {
  return Array.from(readFileSync(file, 'utf8').matchAll(/^\| `([^`]+)`/gm), ([, name = '']) => name)
}
