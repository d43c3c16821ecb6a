/** `bus.events.tail`: events as they are committed, in the order of the log, without gaps. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Bus, RecordedEvent } from '../../src/index.ts'
import { NoteTaken } from '../support/notes.ts'
import { numbers, openStoredEvents, type StoredEvents } from '../support/stored-events.ts'
import { until } from '../support/until.ts'

let stored: StoredEvents
let bus: Bus

beforeAll(async () => {
  stored = await openStoredEvents()
})
afterEach(() => stored.tidy())
afterAll(() => stored.close())

test('it yields events committed from now on, also by a transaction that stays open for longer than others', async () => {
  bus = stored.busWith([])
  await stored.publish(bus, [1, 2])
  const { seen, end } = await tailing({ types: [NoteTaken] })
  const late = await stored.connect()
  await late.query('begin')
  await bus.publish(NoteTaken({ n: 3 }), { tx: late })
  await stored.publish(bus, [4, 5])
  await new Promise((resolve) => setTimeout(resolve, 700))
  expect(seen).toEqual([])

  await late.query('commit')
  await until('all are here', () => seen.length === 3)
  await stored.publish(bus, [6])
  await until('and the next', () => seen.length === 4)

  expect(seen).toEqual([3, 4, 5, 6])
  await end()
})

test('with since it begins with earlier events, filtered by type and key, and it ends when the loop is left', async () => {
  bus = stored.busWith([])
  await stored.publish(bus, numbers(3), 'one')
  await stored.publish(bus, [4], 'two')

  const seen: number[] = []
  for await (const event of bus.events.tail({ since: new Date(0), types: ['notes.*'], partitionKeys: ['one'] })) {
    seen.push(numberOf(event))
    if (seen.length === 3) break
  }

  expect(seen).toEqual([1, 2, 3])
})

test.each([{ until: new Date() }, { types: [] }, { since: undefined }, { signal: 'now' }, { type: 'notes.*' }])(
  '%o is refused before the first event',
  (query) => {
    bus = stored.busWith([])
    expect(() => bus.events.tail(query as never)).toThrow(expect.objectContaining({ code: 'POSTBUS_INVALID_OPTIONS' }))
  },
)

/** Resolves when the tail has begun. */
async function tailing(query: object) {
  const over = new AbortController()
  const seen: number[] = []
  const begun: number[] = []
  const done = (async () => {
    for await (const event of bus.events.tail({ ...query, signal: over.signal })) {
      if (numberOf(event) === 0) begun.push(0)
      else seen.push(numberOf(event))
    }
  })()
  await until('it has begun', async () => {
    if (begun.length === 0) await stored.publish(bus, [0])
    return begun.length > 0
  })
  return {
    seen,
    end() {
      over.abort()
      return done
    },
  }
}

function numberOf({ data }: RecordedEvent): number {
  return (data as { n: number }).n
}
