/** A handler changes to the log, back, and to another number of shards, while old publishers and workers run. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { failed, type Bus } from '../../src/index.ts'
import { LOG, openChangingHandler } from '../support/changing-handler.ts'
import { NoteTaken } from '../support/notes.ts'
import { numbers } from '../support/stored-events.ts'
import { until } from '../support/until.ts'

let changing: Awaited<ReturnType<typeof openChangingHandler>>

beforeAll(async () => {
  changing = await openChangingHandler()
})

afterEach(() => changing.tidy())

afterAll(() => changing.close())

test.each([
  ['deliveries to the log', {}, LOG, 'log'],
  ['the log to deliveries', LOG, {}, 'job'],
] as const)(
  'from %s: old and new publishers go on, and each event is handled once, in order',
  async (_, before, after, mode) => {
    const [old, deployed] = [changing.deployedAs(before), changing.deployedAs(after)]
    await old.migrate()
    await changing.working(old)
    await changing.publish(old, [1, 2])
    const { steps } = await deployed.migrate()
    await changing.working(deployed)
    for (let n = 3; n <= 40; n += 2) {
      await changing.publish(deployed, [n])
      await changing.publish(old, [n + 1])
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    await changing.changed(mode)
    await changing.publish(old, [41])
    await changing.publish(deployed, [42])
    await changing.handled(42)

    expect(steps).toContainEqual(expect.stringContaining('let handler "notes.take" go from'))
    expect(changing.took()).toEqual(numbers(42))
    await changing.waits(0)
    const { deliveries } = await deployed
      .publish([NoteTaken({ n: 43 }), NoteTaken({ n: 44 })])
      .then(async ({ events }) => {
        await changing.handled(2)
        return { deliveries: await Promise.all(events.map(({ id }) => deployed.events.whenFinished(id))) }
      })
    expect(deliveries.every((one) => one.deliveries[0]?.state === 'done')).toBe(true)
  },
)

test('an event with a delivery waits for earlier events that are still unread', async () => {
  const [old, deployed] = [changing.deployedAs(LOG), changing.deployedAs({})]
  await old.migrate()
  await changing.working(old)
  await old.pause({ handler: 'notes.take' })
  await until('it is known', async () => (await changing.database.query('select from postbus.pause')).rows.length > 0)
  await changing.publish(old, numbers(20))
  await deployed.migrate()
  await changing.working(deployed)
  await until('deliveries are held', async () => (await changing.row()).mode === 'held')
  await changing.publish(deployed, numbers(20, 21))

  await old.resume({ handler: 'notes.take' })
  await changing.changed('job')
  await changing.handled(40)

  expect(changing.took()).toEqual(numbers(40))
})

test('the handler gets deliveries only after all earlier events were read', async () => {
  const [old, deployed] = [changing.deployedAs(LOG), changing.deployedAs({})]
  await old.migrate()
  await changing.publish(old, [1, 2, 3])
  await deployed.migrate()

  await until(
    'no step can be taken',
    async () => (await changing.step()) === null && (await changing.row()).phase === 'reading',
  )
  expect(await changing.step()).toBeNull()
  expect((await changing.row()).mode).toBe('held')

  await changing.publish(deployed, [4])
  await changing.working(deployed)
  await changing.changed('job')
  await changing.handled(4)
  expect(changing.took()).toEqual([1, 2, 3, 4])
})

test('after a change of shards no event is handled twice, and none is missed', async () => {
  const old = changing.deployedAs({ delivery: 'log', shards: 2 })
  await old.migrate()
  const first = await changing.working(old)
  const keys = numbers(12).map((n) => `key ${n}`)
  const publish = (bus: Bus, from: number) =>
    bus.publish(keys.flatMap((key, index) => [0, 1, 2].map((more) => NoteTaken({ n: from + index * 3 + more, key }))))
  await publish(old, 1)
  await changing.handled(36)

  const deployed = changing.deployedAs({ delivery: 'log', shards: 5 })
  await publish(old, 37)
  await deployed.migrate()
  await publish(old, 73)
  await changing.working(deployed)
  await publish(deployed, 109)
  await until('it has other shards', async () => (await changing.row()).shards === 5)
  await first.stop()
  await publish(deployed, 145)
  await changing.handled(180)
  await until('the old places are passed', async () => (await changing.row()).floors === null)

  const took = changing.took()
  expect(took.toSorted((one, other) => one - other)).toEqual(numbers(180))
})

test('a transaction with an older snapshot publishes in the mode that it sees, and the change waits for it', async () => {
  const [old, deployed] = [changing.deployedAs({}), changing.deployedAs(LOG)]
  await old.migrate()
  await changing.publish(old, [1])
  const [first, second] = [await snapshot(), await snapshot()]
  await deployed.migrate()
  await changing.working(deployed)
  await until('it waits for the first', async () => (await changing.row()).phase === 'preparing')
  await second.query('rollback; begin isolation level repeatable read; select count(*) from postbus.event')
  await first.query('commit')
  await until('it waits for the second', async () => (await changing.row()).phase === 'waiting')
  await changing.publish(deployed, [2])
  await changing.handled(2)

  await old.publish(NoteTaken({ n: 3, key: 'one' }), { tx: second })
  expect((await changing.row()).mode).toBe('held')
  await second.query('commit')
  await changing.changed('log')
  await changing.publish(deployed, [4])
  await changing.handled(4)

  expect(changing.took()).toEqual(numbers(4))
})

test('the log does not overtake an event that is committed late and whose delivery fails', async () => {
  let fails = 2
  const does = (n: number) => (n === 1 && (fails -= 1) >= 0 ? failed('for now') : undefined)
  const patience = { backoff: { initialMs: 4_000, factor: 1 } }
  const [old, deployed] = [{}, LOG].map((how) => changing.deployedAs({ ...how, ...patience }, [], does)) as [Bus, Bus]
  await old.migrate()
  await changing.publish(old, [0], 'another')
  const tx = await changing.connect()
  await tx.query('begin')
  await old.publish(NoteTaken({ n: 1, key: 'one' }), { tx })
  await deployed.migrate()
  await changing.working(deployed)
  await until('a worker has begun the change', async () => (await changing.row()).phase !== null)
  await new Promise((resolve) => setTimeout(resolve, 2_000))

  await tx.query('commit')
  await changing.changed('log')
  await changing.publish(deployed, [2])
  await until('all are handled', () => changing.ran.length >= 5)

  expect(changing.took()).toEqual([0, 1, 1, 1, 2])
})

/** A transaction with a snapshot of this moment. */
async function snapshot() {
  const tx = await changing.connect()
  await tx.query('begin isolation level repeatable read')
  await tx.query('select count(*) from postbus.event')
  return tx
}
