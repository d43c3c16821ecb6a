/** Large payloads: a claim brings as much as the worker has room for, and a payload that is too large to read affects only itself. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { claimFrom } from '../../src/backends/postgres/deliveries/claim.ts'
import { tablesIn } from '../../src/backends/postgres/schema/tables.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'

const KIBIBYTE = 1_024
const tables = tablesIn({ postbus: 'postbus', pgboss: 'pgboss' })

let opened: TestBus
const ran: number[] = []

beforeEach(async () => {
  ran.length = 0
  opened = await openTestBus({ handlers: [handlerThat((n) => void ran.push(n))] })
})

afterEach(() => opened.close())

const queues = [
  ['a plain queue', 'events', () => null],
  ['lanes', 'events_partitioned', (n: number) => `key ${n}`],
] as const

test.each(queues)('a claim from %s brings payloads up to the free room, and one more', async (_, queue, keyOf) => {
  await publish(6, 100 * KIBIBYTE, keyOf)
  const claim = claimFrom(queue, tables)

  const first = await claim(opened.database, 10, { room: 250 * KIBIBYTE })
  const rest = await claim(opened.database, 10, { room: 250 * KIBIBYTE })
  const none = await claim(opened.database, 10, { room: 250 * KIBIBYTE })

  const found = [first, rest, none].map(({ deliveries, more }) => [deliveries.length, more])
  expect(found).toEqual([
    [3, true],
    [3, false],
    [0, false],
  ])
})

test.each(queues)('small payloads take no room in %s', async (_, queue, keyOf) => {
  await publish(30, 1, keyOf)

  const { deliveries } = await claimFrom(queue, tables)(opened.database, 30, { room: 1 })

  expect(deliveries).toHaveLength(30)
})

test('a large payload is not brought behind another delivery', async () => {
  await publish(3, 1, () => 'red')
  await publish(1, 100 * KIBIBYTE, () => 'red')

  const { deliveries } = await claimFrom('events_partitioned', tables)(opened.database, 10, { behind: 15 })

  expect(deliveries.map(({ behind }) => behind.length)).toEqual([2])
})

test('a payload that is too large to read becomes a dead letter, and other deliveries of its claim run', async () => {
  await publish(3, 1, () => null)
  await opened.database.query(
    `update postbus.event set payload = ('{"json":"' || repeat('x', 200000000) || '"}')::json where seq = (select min(seq) from postbus.event)`,
  )

  const { deliveries } = await claimFrom('events', tables)(opened.database, 1)
  expect(deliveries[0]?.event?.payload).toBe('') // the payload is not sent
  await opened.database.query(`update pgboss.job set state = 'created', started_on = null where state = 'active'`)

  const worker = opened.bus.worker({ queues: { events: 20 } })
  await worker.start()
  await until('the others have run', () => ran.length === 2)
  await until('there is a dead letter', async () => (await dead()).length === 1)
  await worker.stop()

  expect(await dead()).toEqual([expect.stringContaining('it is too large')])
}, 60_000)

async function publish(count: number, size: number, keyOf: (n: number) => string | null): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await opened.bus.publish(NoteTaken({ n, key: keyOf(n), text: 'x'.repeat(size) }))
  }
}

async function dead(): Promise<readonly string[]> {
  const { deadLetters } = await opened.bus.deadLetters.list()
  return deadLetters.map(({ reason }) => reason)
}
