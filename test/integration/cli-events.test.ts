/** `postbus events`: an operator looks at published events and their outcomes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { linesOf, postbusHere as postbus } from '../support/cli.ts'
import { drained } from '../support/drained.ts'
import * as handlers from '../support/fixtures/cli/event-handlers.ts'
import { ParcelSent } from '../support/fixtures/cli/events.ts'
import { until } from '../support/until.ts'

let shop: TestBus
const lost = ParcelSent({ to: 'nobody' }, { correlationId: 'visit 1' })
const found = ParcelSent({ to: 'anna' }, { causationId: lost.id, metadata: { tenant: 'north' } })

beforeAll(async () => {
  shop = await openTestBus({ handlers })
  await shop.bus.publish([lost, found])
  await drained(shop.bus)
  return () => shop.close()
})

const events = (...words: string[]) => postbus(shop.connectionString, ['events', ...words])

describe('list', () => {
  test('prints a table on stdout, newest first, and the number of events on stderr', async () => {
    const { code, out, err } = await events('list')

    expect({ code, err }).toEqual({ code: 0, err: '2 events.\n' })
    const [head, ...rows] = linesOf(out)
    expect(head?.split(/ {2,}/)).toEqual(['PUBLISHED AT', 'TYPE', 'KEY', 'EVENT', 'DATA'])
    expect(rows.map((row) => row.includes(found.id))).toEqual([true, false])
    expect(rows[1]).toMatch(/^\d{4}-.*Z {2}\S+ +nobody +[0-9a-f-]{36} {2}\{"to":"nobody"\}$/)
  })

  test.each([
    [['--key', 'anna'], [found.id]],
    [['--correlation', 'visit 1'], [lost.id]],
    [['--cause', lost.id], [found.id]],
    [['--state', 'dead'], [lost.id]],
    [['--text', 'NOBODY'], [lost.id]],
    [['--until', '2020-01-01'], []],
    [
      ['--type', '*', '--since', '2020-01-01', '--oldest-first'],
      [lost.id, found.id],
    ],
  ])('%s --json prints one event per line', async (options, ids) => {
    const { code, json } = await events('list', '--json', ...options)

    expect({ code, ids: json().map(({ id }) => id) }).toEqual({ code: 0, ids })
  })

  test('a page prints the cursor of the next page', async () => {
    const { json } = await events('list', '--json', '--limit', '1')
    const [first, last] = json()
    const next = await events('list', '--json', '--limit', '1', '--cursor', String(last?.['cursor']))

    expect(first?.['id']).toBe(found.id)
    expect(next.json().map(({ id }) => id)).toEqual([lost.id])
  })
})

test('show prints the outcome of an event at each handler, with the last error', async () => {
  const { code, out } = await events('show', lost.id)

  expect(code).toBe(0)
  expect(out).toContain(`id           ${lost.id}`)
  expect(out).toMatch(/^post\.deliver-parcel {2}blocked {2}1 .* returned to sender$/m)
  const [status] = (await events('show', lost.id, '--json')).json()
  expect(status).toMatchObject({ isFinished: true, event: { id: lost.id }, deliveries: [{ state: 'blocked' }] })
})

test('tree prints causes above and effects below', async () => {
  const { code, out, err } = await events('tree', found.id)

  expect({ code, err }).toEqual({ code: 0, err: '2 events.\n' })
  expect(linesOf(out)).toEqual([`${lost.type} ${lost.id}`, `└ ${found.type} ${found.id} ◀`])
})

test.each([
  [['list', 'x'], 2, 'expected: postbus events list'],
  [['show'], 2, 'postbus events show ID'],
  [['look'], 2, 'expected one of list, show, tree'],
  [['list', '--since', 'yesterday'], 2, '--since yesterday: expected a day'],
  [['list', '--state', 'odd'], 2, 'expected one of unfinished, retrying, dead'],
  [['show', '7'], 1, 'POSTBUS_INVALID_OPTIONS'],
  [['show', '00000000-0000-4000-8000-000000000000'], 1, 'No event 00000000-0000-4000-8000-000000000000 is stored'],
])('%s exits with code %i and says why', async (words, code, message) => {
  const result = await events(...words)

  expect(result).toMatchObject({ code, out: '' })
  expect(result.err).toContain(message)
})

test('tail prints events as they are committed, until it is stopped', async () => {
  const child = spawn(
    process.execPath,
    [
      resolve('src/cli/main.ts'),
      'events',
      'tail',
      '--type',
      '*.parcel-*',
      '--config',
      resolve('test/support/fixtures/cli/postbus.config.ts'),
    ],
    {
      env: { DATABASE_URL: shop.connectionString },
      stdio: 'pipe',
    },
  )
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const ended = once(child, 'close')
  await until('it has begun', () => err.includes('as they are committed'))
  await until('it tells of an event', async () => {
    if (!out.includes('"later"')) await shop.bus.publish(ParcelSent({ to: 'later' }))
    return out.includes('"later"')
  })
  child.kill('SIGINT')

  expect(await ended).toEqual([0, null])
  expect(out).toMatch(/^\S+Z {2}\S+ {2}later {2}[0-9a-f-]{36} {2}\{"to":"later"\}\n/)
})
