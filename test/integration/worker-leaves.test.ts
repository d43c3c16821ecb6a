/** A worker that stops tells the others, so deliveries that its last settles made due do not wait for their next poll. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { anotherBus, aSignal, handlerThat, NoteTaken, storedNotes } from '../support/notes.ts'
import { until } from '../support/until.ts'

const A_MINUTE = 60_000
let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus()
})

afterAll(() => shop.close())

test('the next delivery of a lane runs on another worker as soon as the worker of the last one has stopped', async () => {
  const [ran, mayEnd] = [[] as string[], aSignal()]
  const leaving = anotherBus(shop, [
    handlerThat(async (n) => {
      ran.push(`leaving ${n}`)
      await mayEnd.promise
    }),
  ])
  const staying = anotherBus(shop, [handlerThat((n) => void ran.push(`staying ${n}`))])
  await leaving.publish([1, 2].map((n) => NoteTaken({ n, key: 'red' })))
  const first = leaving.worker({ queues: { events_partitioned: 1 } })
  const second = staying.worker({ queues: { events_partitioned: 1 }, pollMs: A_MINUTE })
  await first.start()
  await until('the first runs', () => ran.length === 1)
  await second.start()
  await until('both listen', async () => (await listening()) === 2)
  await leaving.publish(NoteTaken({ n: 3, key: 'blue' }))
  await until('the other one has looked at everything', async () => (await storedNotes(shop))[2]?.state === 'completed')

  const stopped = first.stop()
  mayEnd.resolve()
  await stopped
  await until('the second runs', () => ran.length === 3)
  await second.stop()

  expect(ran).toEqual(['leaving 1', 'staying 3', 'staying 2'])
  expect((await storedNotes(shop)).map(({ state }) => state)).toEqual(Array(3).fill('completed'))
  await Promise.all([leaving.close(), staying.close()])
})

async function listening(): Promise<number> {
  const { rowCount } = await shop.database.query(
    `select from pg_stat_activity where datname = current_database() and query ~ '^listen'`,
  )
  return rowCount ?? 0
}
