/** The page about performance shows only what was measured. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { chartOf } from '../../bench/chart.ts'
import { documents } from '../../bench/documents.ts'
import type { QuestionReport } from '../../bench/results.ts'
import { figureTable } from '../../bench/table.ts'

test('the page about performance and its charts match the stored results (npm run docs:bench)', async () => {
  for (const [path, text] of await documents()) expect(readFileSync(path, 'utf8'), path).toBe(text)
})

test('a chart has a bar for each median, with its configuration, and names contestants that were not measured', () => {
  const report = reportWith([
    { contestant: 'postbus', value: { median: 1_000, least: 900, most: 1_200 } },
    { contestant: 'raw <sql>', value: { median: 2_000, least: 1_900, most: 2_400 } },
    { contestant: 'BullMQ', value: 'not measured: no redis-server on this machine' },
  ])

  const chart = chartOf(report) ?? ''

  expect(
    Array.from(chart.matchAll(/<rect class="(\w+)"[^>]* width="([\d.]+)"/g), ([, kind, width]) => [kind, width]),
  ).toEqual(
    [['ours', '183.3'], ['peer', '366.7']], // prettier-ignore
  )
  expect(chart).toContain('<title>raw &lt;sql&gt;, set up so</title>')
  expect(chart).toContain('not measured: no redis-server on this machine')
})

test('a question without figures to draw has no chart', () => {
  const report = { ...reportWith([{ contestant: 'postbus', value: '1 2 3' }]), chart: [] }

  expect(chartOf(report)).toBeNull()
})

test('compared parts have one row each, and one column for each figure', () => {
  const of = (figure: string, median: number) => ({ figure, value: { median, least: median, most: median } })
  const figures = [of('claim: µs', 16.12), of('claim: pages', 11), of('settle: µs', 7.851)]
  const report = reportWith(figures.map((figure) => ({ contestant: 'postbus', ...figure })))

  expect(figureTable(report).replaceAll(/ +/g, ' ').split('\n')).toEqual([
    '| case | contestant | part | µs | pages |',
    '| ------ | ---------- | ------ | ---- | ----- |',
    '| a case | postbus | claim | 16.1 | 11 |',
    '| a case | postbus | settle | 7.85 | |',
  ])
})

type Found = Pick<QuestionReport['lines'][number], 'contestant' | 'value'> & { readonly figure?: string }

function reportWith(found: readonly Found[]): QuestionReport {
  const machine = { postgres: '', node: '', cores: 2, cpu: '', load: '', rounds: 1, tookSeconds: 1, at: '' }
  const entries = found.map(({ contestant }) => ({ contestant, configuration: `${contestant}, set up so`, rounds: [] }))
  const lines = found.map((line) => ({ figure: 'events/s', ...line, case: 'a case', toOurs: null }))
  const cases = [{ name: 'a case', entries }]
  return { question: 'speed', asks: 'how fast?', notes: [], machine, cases, lines, goals: [], chart: ['events/s'] }
}
