/** Claims with marks compare what was set aside with the front of the queue from these marks on. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { breakFunction } from '../support/break-function.ts'
import { openMarks, type Kind, type Marks } from '../support/marked-claims.ts'

const WAITS_SINCE = '2026-01-01 12:00:00+00'
const LEVELS = 10

let marks: Marks

describe.each(['plain', 'in lanes'] as const satisfies readonly Kind[])('%s', (kind) => {
  const queue = kind === 'plain' ? 'events' : 'events_partitioned'

  beforeAll(async () => {
    marks = await openMarks(kind)
  })
  beforeEach(() => marks.empty())
  afterEach(() => marks.tidy())
  afterAll(() => marks.close())

  describe.each(['created', 'retry'] as const)('a %s delivery', (state) => {
    test.each([0, -1, -9])(
      'of priority %i comes before what was set aside, unless its mark is later',
      async (priority) => {
        await setOneAside()
        await waitInFront(state, priority)
        const place = (state === 'created' ? 0 : LEVELS) - priority

        const atItsMark = await takenBack(floorsWith(place, WAITS_SINCE))
        const afterIt = await takenBack(floorsWith(place, 'infinity'))

        expect({ atItsMark, afterIt }).toEqual({ atItsMark: 'the front comes first', afterIt: 'taken' })
      },
    )
  })

  test('a claim that takes long to find what was set aside says so, and gets marks', async () => {
    await setOneAside()
    const claims = await marks.worker()
    claims.free = 0
    await breakFunction(marks.database, 'postbus.set_aside_2', {
      piece: /\bbegin\b/,
      replacement: 'begin perform pg_sleep(0.05);',
    })

    await claims.claim(2) // the first one makes plans

    expect(claims.isSlow).toBe(true)
  })

  /** Its priority is the lowest, and its time late. */
  async function setOneAside(): Promise<void> {
    const claims = await marks.worker()
    claims.free = 0
    await marks.publish()
    await claims.claim()
    await marks.database.query(
      `update pgboss.job set priority = -9, created_on = now() + interval '1 hour' where blocked`,
    )
  }

  async function waitInFront(state: 'created' | 'retry', priority: number): Promise<void> {
    await marks.publish()
    await marks.database.query(
      'update pgboss.job set state = $1, priority = $2, created_on = $3, start_after = $3 where not blocked',
      [state, priority, WAITS_SINCE],
    )
  }

  /** Asks for one delivery. */
  async function takenBack(floors: readonly string[]): Promise<string> {
    const { rows } = await marks.database.query<{ row: string | null; passed_over: boolean }>(
      'select "row", passed_over from postbus.set_aside_2($1, 1, null, null, true, $2)',
      [queue, floors],
    )
    if (rows[0]?.row) return 'taken'
    return rows[0]?.passed_over ? 'the front comes first' : 'nothing is set aside'
  }
})

/** Marks that only one kind and level of the front is above: the first ten are for deliveries that were never tried. */
function floorsWith(place: number, floor: string): readonly string[] {
  return Array.from({ length: 2 * LEVELS }, (_, at) => (at === place ? floor : 'infinity'))
}
