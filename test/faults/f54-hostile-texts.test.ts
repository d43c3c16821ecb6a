/** F54: texts made to break out of SQL stay data wherever a text comes from outside, and no error, signal or report contains a password. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createBus, type BusSignal } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { seeded } from './kills-under-load.ts'

const PIECES = [
  `'`,
  `''`,
  '"',
  '\\',
  ';',
  '--',
  '/*',
  '*/',
  '$1',
  '$$',
  '%s',
  '%I',
  ')',
  `E'`,
  '\n',
  '{',
  '}',
  ',',
  'null',
]
const WORDS = ['drop schema postbus cascade', 'select pg_sleep(9)', 'union select', 'or true', '<img onerror=x>', 'red']
const COUNT = 300

const random = seeded(54)
/** All texts differ, and none is a valid name. */
const hostile = Array.from({ length: COUNT }, (_, n) => {
  const piece = () => PIECES[Math.floor(random() * PIECES.length)]!
  const word = WORDS[Math.floor(random() * WORDS.length)]!
  return `${piece()}${piece()}${word}${piece()}${n}${piece()}'`
})
const handled: number[] = []
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({
    handlers: [
      handlerThat((n) => {
        if (n % 10 === 9) throw new Error(hostile[n])
        handled.push(n)
      }, { maxAttempts: 1, onDead: 'block' }), // prettier-ignore
    ],
  })
})

afterAll(() => opened.close())

test('F54: hostile keys, sources, metadata and errors are stored as they are, handled, and found by them', async () => {
  const notes = hostile.map((text, n) =>
    NoteTaken({ n, key: text, text }, { source: text, correlationId: text, metadata: { [text]: text } }),
  )
  await opened.bus.publish(notes)
  await opened.bus.worker().drain()

  const well = hostile.flatMap((_, n) => (n % 10 === 9 ? [] : [n]))
  expect(handled.toSorted((one, other) => one - other)).toEqual(well)
  const { rows } = await opened.database.query<{ key: string }>(
    'select partition_key as key from postbus.event order by seq',
  )
  expect(rows.map(({ key }) => key)).toEqual(hostile)
  for (const n of [9, 19, 29, 299]) {
    const lane = { handler: 'notes.take', partitionKey: hostile[n]! }
    expect(JSON.stringify(await opened.bus.lanes.show(lane))).toContain(JSON.stringify(hostile[n]))
    await opened.bus.lanes.skipHead(lane, { by: hostile[n]!, reason: hostile[n]! })
    expect(JSON.stringify(await opened.bus.lanes.show(lane))).not.toContain('"state":"failed"')
  }
})

test('F54: names that go into SQL as identifiers are refused unless they are plain', () => {
  for (const name of hostile) {
    expect(() => handlerThat(() => undefined, { name })).toThrow(/is not allowed/)
    expect(() => handlerThat(() => undefined, { queue: name })).toThrow(/is not allowed/)
    expect(() => createBus({ schema: name })).toThrow(/schema/)
    expect(() => createBus({ pgbossSchema: name })).toThrow(/chema/)
  }
})

test('F54: the password of a connection that fails is in no error and in no signal', async () => {
  const signals: BusSignal[] = []
  const url = new URL(opened.connectionString)
  url.password = 'planted-secret'
  url.pathname = '/no_such_database'
  await using bus = createBus({ connectionString: url.href, handlers: [], onSignal: (signal) => signals.push(signal) })

  const errors = await Promise.all([
    bus.publish(NoteTaken({ n: 1 })).catch((error: unknown) => error),
    bus.ready().catch((error: unknown) => error),
    bus.deadLetters.list().catch((error: unknown) => error),
    bus.worker().start().catch((error: unknown) => error), // prettier-ignore
    bus.doctor().catch((error: unknown) => error),
  ])

  const said = JSON.stringify([errors.map(everything), signals])
  expect(said).toMatch(/no_such_database|password authentication/)
  expect(said).not.toContain('planted-secret')
})

function everything(value: unknown, depth = 0): unknown {
  if (!(value instanceof Error) || depth > 5) return value
  const own = Object.getOwnPropertyNames(value).map((name) => Reflect.get(value, name) as unknown)
  return own.map((one) => everything(one, depth + 1))
}
