/** When the front of a partitioned queue can be neither claimed nor parked, a claim walks from lane to lane, and reports whether it saw all. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { HANDLER, heldFront, openLanes, type Lanes } from '../support/lanes.ts'

let lanes: Lanes

beforeEach(async () => {
  lanes = await openLanes()
})

afterEach(() => lanes.close())

test('the next round finds lanes that a walk has passed over for lack of slots', async () => {
  await heldFront(lanes, 'busy')
  const keys = Array.from({ length: 12 }, (_, n) => `key-${n}`) // one more than the walk of the first claim visits
  for (const key of keys) await lanes.publish(key)

  expect((await keysOfARound()).toSorted()).toEqual(keys.toSorted())
})

test('a walk that fills the slots reports that there may be more, until it has seen every lane', async () => {
  await heldFront(lanes, 'busy')
  for (const key of ['one', 'two', 'three']) await lanes.publish(key)

  const first = await lanes.claim(lanes.database, 2)
  const second = await lanes.claim(lanes.database, 2)
  const third = await lanes.claim(lanes.database, 2)

  expect([first, second, third].map(({ deliveries, more }) => [deliveries.length, more])).toEqual([
    [2, true],
    [1, false],
    [0, false],
  ])
})

describe('a round of several claims', () => {
  beforeEach(async () => {
    await heldFront(lanes, 'busy')
    for (let n = 0; n < 200; n += 1) await lanes.publish(`later-${n}`)
    await becomeDue('later-%', '1 hour')
  })

  test('that found nothing is followed by another one soon, but not at once', async () => {
    let claimed = await lanes.claim(lanes.database, 2)
    for (let claims = 1; claimed.more && claims < 50; claims += 1) claimed = await lanes.claim(lanes.database, 2)

    expect(claimed).toMatchObject({ deliveries: [], more: false, lookAgain: true })
    await becomeDue('later-199')
    expect(await keysOfARound()).toEqual(['later-199'])
  })

  test('that was interrupted starts again', async () => {
    expect(await lanes.claim(lanes.database, 2)).toMatchObject({ deliveries: [], more: true })
    await becomeDue('busy', '1 hour')
    expect(await lanes.claim(lanes.database, 2)).toMatchObject({ deliveries: [], more: false })

    await becomeDue('busy')
    await becomeDue('later-0')

    expect(await keysOfARound()).toEqual(['later-0'])
  })

  test('that failed starts again', async () => {
    expect(await lanes.claim(lanes.database, 2)).toMatchObject({ deliveries: [], more: true })
    const broken = { query: () => Promise.reject(new Error('gone')) }
    await expect(lanes.claim(broken, 2)).rejects.toThrow('gone')

    await becomeDue('later-0')

    expect(await keysOfARound()).toEqual(['later-0'])
  })

  test('reports at its end the handlers that had no free slots at its beginning', async () => {
    await becomeDue('later-0')

    let claimed = await lanes.claim(lanes.database, 2, 0)
    while (claimed.more) claimed = await lanes.claim(lanes.database, 2, 0)

    expect(claimed).toMatchObject({ deliveries: [], heldBack: [HANDLER] })
  })
})

async function becomeDue(keys: string, inTime = '0'): Promise<void> {
  const due = `update pgboss.job set start_after = now() + $2::interval where state = 'created' and singleton_key like $1`
  await lanes.database.query(due, [`${HANDLER}:${keys}`, inTime])
}

/** Claims two deliveries at a time until nothing is left, and returns their keys. */
async function keysOfARound(): Promise<readonly string[]> {
  const keys: string[] = []
  for (let more = true; more;) {
    const claimed = await lanes.claim(lanes.database, 2)
    keys.push(...claimed.deliveries.map(({ event }) => event?.partitionKey ?? ''))
    more = claimed.more
  }
  return keys
}
