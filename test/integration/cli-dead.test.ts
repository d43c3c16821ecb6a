/** `postbus dead`: an operator looks at dead letters, retries them, or dismisses them. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createBus, defineHandler, type DeadLetter } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { linesOf, postbusHere as postbus, type CliOptions } from '../support/cli.ts'
import { drained } from '../support/drained.ts'
import * as handlers from '../support/fixtures/cli/event-handlers.ts'
import { LetterSent, ParcelSent } from '../support/fixtures/cli/events.ts'
import { emptyTables, storedDeliveries } from '../support/stored.ts'

let shop: TestBus
let letters: readonly DeadLetter[]

beforeAll(async () => {
  shop = await openTestBus({ handlers })
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  await shop.bus.publish([LetterSent({ to: 'moved' }), LetterSent({ to: 'nobody' }), ParcelSent({ to: 'nobody' })])
  await drained(shop.bus)
  letters = (await shop.bus.deadLetters.list()).deadLetters
  expect(letters).toHaveLength(3)
})

describe('list', () => {
  test('prints a table on stdout, and the number of dead letters on stderr', async () => {
    const { code, out, err } = await dead(['list'])

    expect({ code, err }).toEqual({ code: 0, err: '3 dead letters.\n' })
    const [head, ...rows] = linesOf(out)
    expect(head?.split(/ {2,}/)).toEqual(['DELIVERY', 'DIED AT', 'HANDLER', 'EVENT', 'KEY', 'ATTEMPTS', 'REASON'])
    expect(rows.map((row) => row.split(' ')[0])).toEqual(letters.map(({ deliveryId }) => deliveryId))
    expect(rows.find((row) => row.includes('post.deliver-parcel'))).toContain('blocks its key: returned to sender')
    expect(out).not.toContain('hunter2')
  })

  test('--json prints one line per dead letter, with the error of every attempt', async () => {
    const { code, json } = await dead(['list', '--json'])

    expect(code).toBe(0)
    expect(json()).toEqual(JSON.parse(JSON.stringify(letters)))
    const failed = json().find(({ reason }) => reason === 'no such address: password=***')
    expect(failed?.['attempts']).toEqual([
      expect.objectContaining({ attempt: 1, message: 'no such address: password=***' }),
      expect.objectContaining({ attempt: 2, message: 'no such address: password=***' }),
    ])
  })

  test('can be narrowed by handler, event type, id and limit', async () => {
    const [first] = letters
    const commands = [
      ['--handler', 'post.deliver-parcel'],
      ['--type', 'post.letter-sent'],
      [first?.deliveryId ?? ''],
      ['--limit', '2'],
      ['--handler', 'post.deliver-parcel', '--type', 'post.letter-sent'],
    ]

    const results = await Promise.all(commands.map((words) => dead(['list', '--json', ...words])))

    expect(results.map((result) => result.json().length)).toEqual([1, 2, 1, 3, 0]) // a list that has more ends with a line for its cursor
  })

  test('continues at the cursor of the page before', async () => {
    const first = await dead(['list', '--limit', '2'])
    const [, cursor = ''] = /--cursor (\S+)\n$/.exec(first.err) ?? []

    const second = await dead(['list', '--json', '--limit', '2', '--cursor', cursor])

    expect(first.err).toBe(`2 of 3 dead letters.\nThere are more: repeat the command with --cursor ${cursor}\n`)
    expect(second.json().map(({ deliveryId }) => deliveryId)).toEqual([letters[2]?.deliveryId])
  })
})

describe('retry', () => {
  test('puts a delivery back with all its attempts, and keeps earlier errors', async () => {
    const failed = letters.find(({ reason }) => reason.startsWith('no such address'))

    const retried = await dead(['retry', failed?.deliveryId ?? '', '--yes', '--json'])
    const counts = await drained(shop.bus)
    const again = (await shop.bus.deadLetters.list({ deliveryIds: [failed?.deliveryId ?? ''] })).deadLetters

    expect(retried).toMatchObject({ code: 0, err: '1 dead letter put back into the queue.\n' })
    expect(retried.json()).toEqual([{ action: 'retry', count: 1 }])
    expect(counts).toEqual({ done: 0, failed: 1, dead: 1, snoozed: 0 })
    expect(again[0]?.attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 1, 2])
  })

  test('after a deploy that fixes the handler, all its dead letters are delivered', async () => {
    const delivered: string[] = []
    const mended = defineHandler('post.deliver-letter', {
      on: LetterSent,
      handle: ({ data }, { attempt }) => void delivered.push(`${data.to} ${attempt}`),
    })
    const deployed = createBus({
      connectionString: shop.connectionString,
      handlers: [mended],
      onSignal: () => undefined,
    })

    const { code } = await dead(['retry', '--handler', 'post.deliver-letter', '--yes'])
    await drained(deployed)

    expect(code).toBe(0)
    expect(delivered.toSorted()).toEqual(['moved 1', 'nobody 1'])
    expect((await shop.bus.deadLetters.list()).deadLetters.map(({ handler }) => handler)).toEqual([
      'post.deliver-parcel',
    ])
    await deployed.close()
  })
})

describe('dismiss', () => {
  test('hides dead letters for good, frees keys that they blocked, and keeps their rows', async () => {
    await shop.bus.publish(ParcelSent({ to: 'nobody' }))
    const held = await drained(shop.bus)

    const { code, out, err } = await dead(['dismiss', '--all', '--yes'])
    const freed = await drained(shop.bus)

    expect({ code, out, err }).toEqual({ code: 0, out: '', err: '3 dead letters dismissed.\n' })
    expect([held, freed].map((counts) => counts.dead)).toEqual([0, 1])
    expect(await shop.bus.deadLetters.count()).toBe(1)
    const { rowCount } = await shop.database.query('select from postbus.dead_letter')
    expect(rowCount).toBe(4)
  })
})

describe('without --yes', () => {
  test.each(['retry', 'dismiss'])(
    'and without a terminal, %s changes nothing and exits with code 2',
    async (action) => {
      const before = await storedDeliveries(shop.database)

      const { code, out, err } = await dead([action, '--all'], { input: 'y\n' })

      expect({ code, out }).toEqual({ code: 2, out: '' })
      expect(err).toContain('3 dead letters')
      expect(err).toContain('There is no terminal to ask at: add --yes to do it.')
      expect(await shop.bus.deadLetters.count()).toBe(3)
      expect((await storedDeliveries(shop.database)).map(({ state }) => state)).toEqual(
        before.map(({ state }) => state),
      )
    },
  )
})

test('unknown ids exit with code 1, and a filter without matches exits with 0', async () => {
  const unknown = '00000000-0000-0000-0000-000000000000'

  const [byId, byFilter] = await Promise.all([
    dead(['retry', unknown, '--yes']),
    dead(['dismiss', '--handler', 'post.unheard-of', '--yes']),
  ])

  expect(byId).toMatchObject({ code: 1, out: '', err: 'No open dead letter matches.\n' })
  expect(byFilter).toMatchObject({ code: 0, out: '', err: 'No open dead letter matches.\n' })
})

test('a delivery whose job is gone cannot be retried: it stays a dead letter, and the exit code is 1', async () => {
  await shop.database.query(`delete from pgboss.job where data ->> 'handler' = 'post.deliver-parcel'`)

  const { code, err } = await dead(['retry', '--all', '--yes'])

  expect({ code, err }).toEqual({ code: 1, err: '2 dead letters put back into the queue.\n' })
  expect((await shop.bus.deadLetters.list()).deadLetters.map(({ handler }) => handler)).toEqual(['post.deliver-parcel'])
})

function dead(words: readonly string[], options: CliOptions = {}) {
  return postbus(shop.connectionString, ['dead', ...words], options)
}
