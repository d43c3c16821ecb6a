/** `postbus explain`: the handlers that would receive an event, found without a database and without publishing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { linesOf, postbusHere as postbus } from '../support/cli.ts'

const NOWHERE = 'postgres://nobody@127.0.0.1:1/nowhere'
const LIBRARY = resolve(import.meta.dirname, '../../src/index.ts')

let folder: string
const file = (name: string) => join(folder, name)

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'postbus-explain-'))
  writeFileSync(file('small.json'), '{"total":1,"soldAt":"2026-01-31T12:00:00Z","note":"2026"}')
  writeFileSync(file('broken.json'), '{"total":')
  writeFileSync(file('config.ts'), CONFIG)
})

afterAll(() => rmSync(folder, { recursive: true }))

describe.concurrent('postbus explain', () => {
  test('prints each subscribed handler, interested or not, with its queue and key', async () => {
    const { code, out, err } = await explain('shop.sold', '--data', file('small.json'))

    expect({ code, err }).toEqual({ code: 0, err: 'shop.sold version 2: 1 handler would receive it.\n' })
    expect(linesOf(out).map((line) => line.split(/ {2,}/))).toEqual([
      ['HANDLER', 'INTERESTED', 'QUEUE', 'KEY', 'ATTEMPTS', 'LISTENS TO'],
      ['mail.receipt', 'yes', 'mails_partitioned', 'total 1', '3', 'shop.sold v2, stock.*'],
      ['finances.large', 'no: its filter says so', 'events_partitioned', 'total 1', '5', 'shop.sold v2'],
      ['finances.old', 'no: listens to another version', 'events_partitioned', 'total 1', '5', 'shop.sold v1'],
    ])
  })

  test('prints JSON for programs, and reads stdin', async () => {
    const input = '{"total":101,"soldAt":"2026-01-31T12:00:00Z","note":"x"}'

    const { code, json, err } = await explain.with({ input })('shop.sold', '--data', '-', '--json')

    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(json().map(({ handler, interested, reason, error }) => ({ handler, interested, reason, error }))).toEqual([
      { handler: 'mail.receipt', interested: true, reason: null, error: null },
      { handler: 'finances.large', interested: true, reason: null, error: null },
      { handler: 'finances.old', interested: false, reason: 'other-version', error: null },
    ])
    expect(json()[0]).toMatchObject({
      queue: 'mails_partitioned',
      lane: { partitionKey: 'total 101' },
      options: { maxAttempts: 3 },
    })
  })

  test('shows the error of a filter that fails, and exits with code 3', async () => {
    const { code, out, err } = await explain.with({ input: '{}' })('shop.sold', '--version', '1', '--data', '-')

    expect(code).toBe(3)
    expect(out).toContain('its filter failed')
    expect(err).toContain('finances.old: `interested` of handler "finances.old" for shop.sold threw.')
    expect(err).toContain('← no price list')
  })

  test('refuses invalid data with exit code 1, and lists all problems', async () => {
    const { code, err } = await explain.with({ input: '{"total":"1"}' })('shop.sold', '--data', '-')

    expect(code).toBe(1)
    expect(err).toContain('POSTBUS_INVALID_EVENT: shop.sold: 3 problems')
  })

  test.each([
    ['no type', ['--data', '-'], 'expected one event type'],
    ['two types', ['shop.sold', 'shop.closed', '--data', '-'], 'expected one event type'],
    ['no data', ['shop.sold'], '--data FILE, or --data - for stdin'],
    ['a file that is not there', ['shop.sold', '--data', 'nowhere.json'], '--data nowhere.json: ENOENT'],
    ['no JSON', ['shop.sold', '--data', 'broken.json'], '--data: expected JSON'],
    [
      'an unknown type',
      ['shop.sould', '--data', 'small.json'],
      'no event type "shop.sould". Did you mean "shop.sold"?',
    ],
    ['an unknown version', ['shop.sold', '--version', '3', '--data', 'small.json'], 'no version 3. There are: 2, 1.'],
    ['a version that is none', ['shop.sold', '--version', 'new', '--data', 'small.json'], '--version new: expected'],
  ])('%s is a usage error', async (_, words, says) => {
    const { code, out, err } = await explain(...words)

    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(says)
  })
})

const explain = Object.assign(explaining({}), { with: explaining })

function explaining({ input = '' }: { readonly input?: string }) {
  return (...words: string[]) =>
    postbus(NOWHERE, ['explain', ...words], { config: file('config.ts'), cwd: folder, input })
}

const CONFIG = `
import { createBus, defineEvent, defineHandler } from ${JSON.stringify(LIBRARY)}

/** A schema without a library. */
const schema = (problemsOf) => ({
  '~standard': {
    version: 1,
    vendor: 'test',
    validate(value) {
      const issues = problemsOf(value).map((message) => ({ message }))
      return issues.length > 0 ? { issues } : { value }
    },
  },
})

const Sold = defineEvent('shop.sold', {
  version: 2,
  schema: schema(({ total, soldAt, note }) => [
    ...(typeof total === 'number' ? [] : ['total is no number']),
    ...(soldAt instanceof Date ? [] : ['soldAt is no date']),
    ...(typeof note === 'string' ? [] : ['note is no text']),
  ]),
  partitionKey: ({ total }) => 'total ' + total,
})
const Sold1 = defineEvent('shop.sold', { schema: schema(() => []) })
const handle = () => undefined

export const bus = createBus({
  connectionString: process.env.DATABASE_URL,
  handlers: async () => [
    defineHandler('mail.receipt', { on: [Sold, 'stock.*'], queue: 'mails', maxAttempts: 3, handle }),
    defineHandler('finances.large', { on: Sold, interested: ({ data }) => data.total > 100, handle }),
    defineHandler('finances.old', { on: Sold1, interested() { throw new Error('no price list') }, handle }),
  ],
})
`
