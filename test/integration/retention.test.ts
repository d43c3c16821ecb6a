/** Retention: an event is deleted completely after its time, but never while a delivery or a dead letter needs it, however old it is. */
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { createBus, discard } from '../../src/index.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { NOTHING, openAttic, writeLetters, type Attic } from '../support/pruning.ts'
import { until } from '../support/until.ts'

let attic: Attic

beforeAll(async () => {
  attic = await openAttic()
})

beforeEach(() => attic.empty())

afterAll(() => attic.close())

test('an event whose deliveries have all ended is pruned, with its deliveries and its discarded dead letters', async () => {
  await attic.publish({ key: 'red' })
  await attic.publish()
  await attic.completeAll()
  await attic.database.query(`update pgboss.job set state = 'failed' where name like 'mail%'`)
  await writeLetters(attic, { discarded: true })
  await attic.hoursPass(2)

  const turn = await attic.prune()

  expect(turn).toEqual({ pruned: 2, more: false })
  expect(await attic.stored()).toEqual(NOTHING)
})

test('an event without deliveries is pruned by its age', async () => {
  const silent = createBus({ connectionString: attic.opened.connectionString, onSignal: () => undefined })
  await silent.publish(NoteTaken({ n: 1 }))
  await attic.hoursPass(2)
  await silent.publish(NoteTaken({ n: 2 }))

  await attic.prune()

  expect(await attic.stored()).toMatchObject({ events: 1 })
  await silent.close()
})

test.each([
  ['it was published', 'update postbus.event set published_at = now()'],
  ['one of its deliveries ended', `update pgboss.job set completed_on = now() where name = 'mail'`],
  ['one of its dead letters was discarded', 'update postbus.dead_letter set dismissed_at = now()'],
  ['one was cancelled by hand, which notes no time', `update pgboss.job set completed_on = null, started_on = now()`],
])('the retention begins with the last thing that happened to the event: %s', async (_, lately) => {
  await attic.publish()
  await attic.completeAll()
  await attic.database.query(`update pgboss.job set state = 'failed' where name = 'events'`)
  await writeLetters(attic, { discarded: true })
  await attic.hoursPass(2)
  await attic.database.query(lately)

  await attic.prune()
  expect(await attic.stored()).toEqual({ events: 1, deliveries: 2, letters: 1 })

  await attic.hoursPass(2)
  await attic.prune()
  expect(await attic.stored()).toEqual(NOTHING)
})

test.each([
  ['waits', `state = 'created', completed_on = null`],
  ['waits for its next attempt', `state = 'retry', start_after = now() + interval '9 days'`],
  ['is parked', `state = 'created', blocked = true`],
  ['blocks its key', `state = 'retry', start_after = 'infinity'`],
  ['runs', `state = 'active'`],
  ['has failed, and nothing else tells of it', `state = 'failed'`],
])('an event and everything that belongs to it stay while one of its deliveries %s', async (_, live) => {
  const queues = ['events_partitioned', 'mail_partitioned']
  for (const queue of queues) await attic.publish({ key: queue })
  await attic.completeAll()
  for (const queue of queues) {
    await attic.database.query(`update pgboss.job set ${live} where name = $1 and singleton_key like '%' || $1`, [
      queue,
    ])
  }
  await attic.hoursPass(24 * 365)

  const turn = await attic.prune()

  expect(turn).toEqual({ pruned: 0, more: false })
  expect(await attic.stored()).toEqual({ events: 2, deliveries: 4, letters: 0 })
})

test.each([
  ['', `update pgboss.job set state = 'failed' where name = 'mail'`],
  [', also when someone has deleted its delivery', `delete from pgboss.job where name = 'mail'`],
])('an event stays while one of its dead letters is open%s', async (_, change) => {
  await attic.publish()
  await attic.completeAll()
  await writeLetters(attic, { discarded: false, all: true })
  await attic.database.query(`delete from postbus.dead_letter where queue <> 'mail'`)
  await attic.database.query(change)
  await attic.hoursPass(24 * 365)

  await attic.pruneAll()
  expect(await attic.stored()).toMatchObject({ events: 1, letters: 1 })

  await attic.bus.deadLetters.dismiss({ all: true })
  await attic.hoursPass(2)
  await attic.pruneAll()
  expect(await attic.stored()).toEqual(NOTHING)
})

test('an event whose deliveries were cancelled or deleted by hand is pruned', async () => {
  await attic.publish()
  await attic.database.query(`update pgboss.job set state = 'cancelled' where name = 'events'`)
  await attic.database.query(`delete from pgboss.job where name = 'mail'`)
  await attic.hoursPass(2)

  await attic.prune()

  expect(await attic.stored()).toEqual(NOTHING)
})

test('queues that only another program uses count, and are pruned', async () => {
  const handlers = [handlerThat(() => undefined, { name: 'notes.count', queue: 'elsewhere' })]
  const elsewhere = createBus({ connectionString: attic.opened.connectionString, handlers })
  await elsewhere.migrate()
  await elsewhere.publish(NoteTaken({ n: 1 }))
  await attic.hoursPass(2)

  await attic.pruneAll()
  expect(await attic.stored()).toMatchObject({ events: 1, deliveries: 1 })

  await attic.completeAll()
  await attic.hoursPass(2)
  await attic.pruneAll()
  expect(await attic.stored()).toEqual(NOTHING)
  await elsewhere.close()
})

test('a delivery of another schema in the same tables keeps no event', async () => {
  const other = await anotherAttic()
  await other.publish()
  await other.completeAll()
  await other.hoursPass(2)
  await other.database.query(`update pgboss.job set state = 'created' where name = 'mail'`)
  await other.database.query(`delete from postbus.queue where name = 'mail'`)

  await other.prune()

  expect(await other.stored()).toMatchObject({ events: 0, deliveries: 1 })
})

test.each([1, -1])('moving the clock of pg-boss by %i hours, as a test does, prunes nothing', async (direction) => {
  const other = await anotherAttic()
  await other.publish()
  await other.completeAll()
  await other.hoursPass(direction === 1 ? 0 : 2)
  await other.database.query(`create or replace function pgboss.job_now() returns timestamptz language sql stable as
    $now$ select now() + interval '${direction * 31 * 24} hours' $now$`)
  await other.database.query('update pgboss.job set completed_on = completed_on - $1 * interval $$31 days$$', [
    Math.max(0, direction),
  ])

  await other.prune()

  expect(await other.stored()).toEqual({ events: 1, deliveries: 2, letters: 0 })
})

test('a worker prunes by itself, unless its bus keeps events without limit', async () => {
  const { connectionString } = attic.opened
  const working = (retentionMs: number | null) => {
    const handlers = [handlerThat((n) => (n === 2 ? discard('no') : undefined), { name: 'notes.take' })]
    const bus = createBus({ connectionString, handlers, retentionMs, onSignal: () => undefined })
    return { bus, worker: bus.worker() }
  }
  const keeping = working(null)
  await keeping.bus.publish([NoteTaken({ n: 1 }), NoteTaken({ n: 2 }), NoteTaken({ n: 3 })])
  await keeping.worker.drain()
  await attic.hoursPass(1)
  expect(await attic.stored()).toEqual({ events: 3, deliveries: 3, letters: 1 })

  const pruning = working(1_000)
  await pruning.worker.start()
  await until('what is done is gone', async () => (await attic.stored()).events === 1)

  const { rows } = await attic.database.query(`select payload ->> 'json' as data from postbus.event`)
  expect(rows[0]?.data).toContain('2')
  await pruning.worker.stop()
  await Promise.all([pruning.bus.close(), keeping.bus.close()])
})

test('the doctor reports old events that are not pruned', async () => {
  const finding = async () => (await attic.bus.doctor()).find(({ check }) => check === 'retention')
  await attic.publish()
  expect(await finding()).toMatchObject({ status: 'ok' })

  await attic.hoursPass(24 * 31)
  expect(await finding()).toMatchObject({ status: 'ok' })
  await attic.database.query(`update postbus.pruning set began_at = now() - interval '5 hours'`)
  expect(await finding()).toMatchObject({
    status: 'warning',
    message: expect.stringContaining('not come round for 300 min') as unknown,
  })
  await attic.database.query(`update postbus.pruning set pruned_at = now() - interval '3 hours'`)
  expect(await finding()).toMatchObject({
    status: 'warning',
    message: expect.stringContaining('nothing has been pruned for 180 min') as unknown,
  })

  await attic.empty()
  await attic.database.query(`update postbus.pruning set pruned_at = now() - interval '3 hours'`)
  expect(await finding()).toMatchObject({ status: 'ok' })
})

/** For a test that changes more than rows. */
async function anotherAttic(): Promise<Attic> {
  const another = await openAttic()
  onTestFinished(() => another.close())
  return another
}
