/** After a crash of Postgres, it may use numbers of events again. So events that were read before are not acknowledged. */
import { expect, onTestFinished, test } from 'vitest'
import { NOTHING_KNOWN } from '../../src/deliveries/log-reading.ts'
import { openTestBus } from '../support/bus.ts'
import { logStoreOn } from '../support/log-reading.ts'
import { handlerThat, NoteTaken, storedNotes } from '../support/notes.ts'

const ONE = '00000000-0000-7000-8000-000000000001'
const handler = handlerThat(() => undefined, { delivery: 'log', shards: 1 })

test('an event that was read before a crash is not acknowledged after it', async () => {
  const opened = await openTestBus({ handlers: [handler] })
  onTestFinished(() => opened.close())
  const store = logStoreOn(opened.connectionString)
  await store.prepare([handler])
  await store.beat(ONE, ['notes.take'])
  const [cursor] = await store.take(ONE, 'notes.take', 1, [])
  const looked = await store.look(NOTHING_KNOWN)
  const from = cursor!.position
  const move = { cursor: cursor!, from, to: from + 1, jobs: [], ended: [], completed: [], passed: [] }
  const event = { seq: from + 1, isHeld: false, replay: null }
  await opened.bus.publish(NoteTaken({ n: 1, key: 'a' }))
  await opened.database.query('truncate postbus.server_life') // as a crash does, because the table is unlogged

  const crashed = await store.acknowledge(ONE, [{ ...move, jobs: [event] }], looked.life)
  const written = await storedNotes(opened)
  const unchanged = (await store.beat(ONE, ['notes.take'])).cursors[0]?.position
  const { life } = await store.look(looked)
  const now = await store.acknowledge(ONE, [{ ...move, jobs: [event] }], life)

  expect([crashed.has(0), written.length, unchanged]).toEqual([false, 0, from])
  expect(life).not.toBe(looked.life)
  expect([now.has(0), (await storedNotes(opened)).length]).toEqual([true, 1])
})
