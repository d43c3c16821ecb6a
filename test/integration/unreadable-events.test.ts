/** Events whose rows were damaged: each costs only its own deliveries, and the others of the same claim run. */
import { expect, onTestFinished, test } from 'vitest'
import { openTestBus } from '../support/bus.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'

/** More levels than we read, and a key that makes us look at each of them. */
const DEEP = `${'['.repeat(410)}{"\\n":1}${']'.repeat(410)}`

test.each([
  ['metadata', { metadata: DEEP }, /the stored metadata cannot be read/],
  ['metadata of an event with a key', { metadata: DEEP, key: 'red' }, /the stored metadata cannot be read/],
  ['data', { payload: DEEP }, /not a document that Postbus wrote/],
])(
  'an event with unreadable %s becomes a dead letter, and the other events of its claim are handled',
  async (_, { key, ...damaged }: { key?: string; metadata?: string; payload?: string }, reason) => {
    const handled: number[] = []
    const { bus, database, close } = await openTestBus({ handlers: [handlerThat((n) => void handled.push(n))] })
    onTestFinished(close)
    const notes = [1, 2, 3].map((n) => NoteTaken({ n, ...(key !== undefined && { key: `${key} ${n}` }) }))
    await bus.publish(notes)
    for (const [column, text] of Object.entries(damaged)) {
      await database.query(`update postbus.event set ${column} = $1::json where id = $2`, [text, notes[1]?.id])
    }

    const counts = await bus.worker().drain()

    expect(new Set(handled)).toEqual(new Set([1, 3]))
    expect(counts).toEqual({ done: 2, failed: 0, dead: 1, snoozed: 0 })
    const [letter, ...others] = (await bus.deadLetters.list()).deadLetters
    expect(letter?.reason).toMatch(reason)
    expect(others).toEqual([])
  },
)
