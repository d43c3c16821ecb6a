/** `postbus lanes`: an operator looks at keys that stand still, and gets one going again. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { linesOf, postbusHere as postbus, type CliOptions } from '../support/cli.ts'
import { drained } from '../support/drained.ts'
import * as handlers from '../support/fixtures/cli/event-handlers.ts'
import { ParcelSent } from '../support/fixtures/cli/events.ts'
import { emptyTables } from '../support/stored.ts'

const HANDLER = 'post.deliver-parcel'
let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers })
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  await shop.bus.publish([ParcelSent({ to: 'nobody' }), ParcelSent({ to: 'nobody' })])
  await drained(shop.bus)
  await shop.bus.publish(ParcelSent({ to: 'anna' }))
})

describe('list', () => {
  test('prints a table on stdout, blocked keys first, and the number of keys on stderr', async () => {
    const { code, out, err } = await lanes(['list'])

    expect({ code, err }).toEqual({ code: 0, err: '2 keys.\n' })
    const [head, ...rows] = linesOf(out)
    expect(head?.split(/ {2,}/)).toEqual(['HANDLER', 'KEY', 'STATE', 'SINCE', 'BEHIND', 'HEAD', 'LAST ERROR'])
    expect(rows[0]).toMatch(/^post\.deliver-parcel {2}nobody {2}blocked .* 1 .* returned to sender$/)
    expect(rows[1]).toMatch(/^post\.deliver-parcel {2}anna {4}waiting .* 0 /)
  })

  test('--json prints one line per key, and --state and --handler narrow it', async () => {
    const commands = [
      ['--json'],
      ['--json', '--state', 'blocked'],
      ['--json', '--limit', '1'],
      ['--json', '--handler', 'no.one'],
    ]

    const printed = await Promise.all(commands.map((options) => lanes(['list', ...options])))

    expect(printed.map(({ code, json }) => [code, json().map(({ partitionKey }) => partitionKey)])).toEqual([
      [0, ['nobody', 'anna']],
      [0, ['nobody']],
      [0, ['nobody', undefined]], // the last line is a cursor: there are more
      [0, []],
    ])
  })
})

test('list continues at the cursor of the page before', async () => {
  const first = await lanes(['list', '--json', '--limit', '1'])
  const cursor = String(first.json().at(-1)?.['cursor'])

  const second = await lanes(['list', '--json', '--limit', '1', '--cursor', cursor])
  const wrong = await lanes(['list', '--cursor', 'abc'])

  expect(second.json().map(({ partitionKey }) => partitionKey)).toEqual(['anna'])
  expect(wrong).toMatchObject({ code: 1, out: '' })
  expect(wrong.err).toContain('POSTBUS_INVALID_OPTIONS: lanes.list(): the cursor "abc" is not one')
})

describe('show', () => {
  test('prints the head of a key, with its errors', async () => {
    const { code, out } = await lanes(['show', HANDLER, 'nobody'])

    expect(code).toBe(0)
    expect(out).toMatch(/^state {9}blocked$/m)
    expect(out).toMatch(/^next attempt {2}after a retry$/m)
    expect(out).toMatch(/^behind it {5}1$/m)
    expect(out).toMatch(/^attempt 1 {5}\S+ returned to sender$/m)
  })

  test('exits with code 1 for a key without waiting deliveries', async () => {
    expect(await lanes(['show', HANDLER, 'bert'])).toMatchObject({
      code: 1,
      out: '',
      err: `Nothing waits for key "bert" of ${HANDLER}.\n`,
    })
  })
})

test('retry gives the head all its attempts again', async () => {
  const { code, err } = await lanes(['retry', HANDLER, 'nobody'])
  const counts = await drained(shop.bus)

  expect({ code, err }).toEqual({
    code: 0,
    err: `The head of key "nobody" of ${HANDLER} is due now.\n`,
  })
  expect(counts).toMatchObject({ done: 1, dead: 1 })
})

describe('skip-head', () => {
  test('makes the head a dead letter that does not block, and the next delivery of its key runs', async () => {
    const { code, json } = await lanes([
      'skip-head',
      HANDLER,
      'nobody',
      '--yes',
      '--json',
      '--by',
      'ada',
      '--reason',
      'returned',
    ])
    const counts = await drained(shop.bus)

    expect(code).toBe(0)
    expect(counts).toMatchObject({ done: 1, dead: 1 })
    expect(json()).toEqual([{ action: 'skip-head', count: 1 }])
    const letters = (await shop.bus.deadLetters.list()).deadLetters
    expect(letters.map(({ reason, blocksKey }) => [reason, blocksKey])).toContainEqual(['returned to sender', false])
  })

  test('asks first, explains a later retry, and without a terminal changes nothing and exits with code 2', async () => {
    const { code, out, err } = await lanes(['skip-head', HANDLER, 'nobody'])

    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain('If you retry it later, it runs after the deliveries that now go ahead of it.')
    expect(await shop.bus.lanes.show({ handler: HANDLER, partitionKey: 'nobody' })).toMatchObject({ state: 'blocked' })
  })
})

test('rewind previews, and repair runs the key again from the skipped event', async () => {
  await shop.bus.lanes.skipHead({ handler: HANDLER, partitionKey: 'nobody' })
  const { eventId } = (await shop.bus.deadLetters.list()).deadLetters[0] ?? {}

  const [preview, unclear] = await Promise.all([
    lanes(['rewind', HANDLER, 'nobody', '--from', eventId ?? '', '--preview', '--json']),
    lanes(['rewind', HANDLER, 'nobody', '--yes']),
  ])
  const repaired = await lanes(['repair', HANDLER, 'nobody', '--yes'])

  expect(preview.json()).toEqual([{ action: 'rewind', preview: true, count: 1 }])
  expect(unclear).toMatchObject({ code: 2, err: expect.stringContaining('--from EVENT-ID') })
  expect(repaired).toMatchObject({
    code: 0,
    err: `1 delivery comes back of key "nobody" of ${HANDLER}, in order, before what waits.\n`,
  })
})

test.each([
  [['skip-head', HANDLER, 'bert', '--yes'], 1, 'POSTBUS_NO_SUCH_LANE: No delivery of handler'],
  [['skip-head', HANDLER], 2, 'lanes skip-head: expected a handler and a key'],
  [['list', '--state', 'done'], 2, '--state done: expected one of blocked, retrying, running, waiting.'],
  [['shift'], 2, 'lanes shift: expected one of list, show, retry, skip-head'],
  [['list', '--limit', '0'], 2, '--limit 0: expected a whole number from 1 to 10,000.'],
] as const)('%j exits with code %i and says why', async (args, code, says) => {
  const result = await lanes([...args])

  expect(result.code).toBe(code)
  expect(result.err).toContain(says)
})

function lanes(args: readonly string[], options: CliOptions = {}) {
  return postbus(shop.connectionString, ['lanes', ...args], options)
}
