/** How a handler's change of delivery looks to others: SQL publishers, old deploys and workers, operators, other handlers. */
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest'
import { LOG, openChangingHandler } from '../support/changing-handler.ts'
import { NoteTaken } from '../support/notes.ts'
import { numbers } from '../support/stored-events.ts'

let changing: Awaited<ReturnType<typeof openChangingHandler>>

beforeAll(async () => {
  changing = await openChangingHandler()
})

afterEach(() => changing.tidy())

afterAll(() => changing.close())

test('SQL publishers follow the change', async () => {
  const events = [NoteTaken]
  const [old, deployed] = [changing.deployedAs({}, events), changing.deployedAs(LOG, events)]
  await old.migrate()
  await changing.publish(old, [1])
  await deployed.migrate()
  const sql = (n: number) =>
    changing.database.query(`select postbus.publish_event('notes.note-taken', $1::jsonb, partition_key => 'one')`, [
      JSON.stringify({ n, key: 'one' }),
    ])
  await sql(2)
  await changing.working(deployed)
  for (const n of numbers(30, 3)) {
    await sql(n)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await changing.changed('log')
  await sql(33)
  await changing.handled(33)

  expect(changing.took()).toEqual(numbers(33))
  await changing.waits(0)
})

test('migrating with older code does not undo the change, unless told to', async () => {
  const [old, deployed] = [changing.deployedAs({}), changing.deployedAs(LOG)]
  await old.migrate()
  await changing.publish(old, [1])
  await deployed.migrate()

  const report = await old.migrate()
  expect(report.registryKept).toContain('newer deploy')
  expect((await changing.row()).wanted).toBe('log')

  await old.migrate({ replaceRegistry: true })
  expect((await changing.row()).wanted).toBe('job')
})

test('a worker with older code follows the database, and warns', async () => {
  const [old, deployed] = [changing.deployedAs({}), changing.deployedAs(LOG)]
  await old.migrate()
  await changing.publish(old, [1])
  await deployed.migrate()
  const worker = await changing.working(deployed)
  await changing.changed('log')
  await worker.stop()

  await changing.working(old)
  await changing.publish(deployed, [2])
  await changing.handled(2)

  expect(changing.took()).toEqual([1, 2])
  expect(changing.signals.map(({ name }) => name)).toContain('delivery.differs')
})

test('the status of events is available before, during and after the change, and cursors cannot be moved during it', async () => {
  const [old, deployed] = [changing.deployedAs({}), changing.deployedAs(LOG)]
  await old.migrate()
  const ids: string[] = []
  const publish = async (n: number, bus = deployed) => ids.push((await changing.publish(bus, [n])).events[0]!.id)
  await changing.working(old)
  await publish(1, old)
  await deployed.migrate()
  await expect(deployed.log.skipTo({ handler: 'notes.take', to: 'end' })).rejects.toMatchObject({
    code: 'POSTBUS_DELIVERY_CHANGED',
  })
  await changing.working(deployed)
  await changing.changed('log')
  await publish(2)
  await changing.handled(2)
  await old.migrate({ replaceRegistry: true })
  await changing.changed('job')
  await publish(3)
  await changing.handled(3)

  const statuses = await Promise.all(ids.map((id) => old.events.whenFinished(id)))
  expect(statuses.map(({ deliveries }) => deliveries.map(({ handler, state }) => [handler, state]))).toEqual(
    Array.from({ length: 3 }, () => [['notes.take', 'done']]),
  )
})

test('a role that publishes needs the right to read the epoch', async () => {
  await changing.deployedAs({}).migrate()
  await changing.database.query(`create role blind login; grant usage on schema postbus, pgboss to blind;
    grant select, insert on postbus.event, pgboss.job, pgboss.job_common to blind; grant select on pgboss.queue to blind`)
  onTestFinished(async () => void (await changing.database.query('drop owned by blind; drop role blind')))
  const tx = await changing.connect()
  await tx.query('begin; set local role blind')

  await expect(changing.deployedAs({}).publish(NoteTaken({ n: 1 }), { tx })).rejects.toThrow(/delivery_epoch/)
})

test('a handler cannot change before its backfill has ended, and the refusal changes nothing', async () => {
  const old = changing.deployedAs({})
  await old.migrate()
  await changing.publish(old, [1])
  await changing.database.query(`insert into postbus.backfill (handler, since) values ('notes.take', now())`)

  await expect(changing.deployedAs(LOG).migrate()).rejects.toMatchObject({
    code: 'POSTBUS_DELIVERY_CHANGED',
    message: expect.stringContaining('backfill'),
  })
  expect(await changing.row()).toBeUndefined()
})

test('publishers go on after the handler that changed last is forgotten', async () => {
  const old = changing.deployedAs({})
  await old.migrate()
  await changing.publish(old, [1])
  await changing.deployedAs(LOG).migrate()
  await changing.database.query('update postbus.log_handler set is_forgotten = true')

  const { events } = await changing.publish(changing.deployedAs({}), [2])

  expect(events).toMatchObject([{ deliveries: 1, duplicate: false }])
})

test('a new log handler does not make another one skip an event that is not committed yet', async () => {
  const noting = (name: string) => changing.noting(name, LOG)
  const old = changing.busWith([noting('notes.other')])
  await old.migrate()
  const tx = await changing.connect()
  await tx.query('begin')
  await old.publish(NoteTaken({ n: 1, key: 'one' }), { tx })
  await changing.publish(old, [2])
  const deployed = changing.busWith([noting('notes.other'), noting('notes.take')])
  await deployed.migrate()
  await changing.working(deployed)
  await new Promise((resolve) => setTimeout(resolve, 1_500))

  await tx.query('commit')
  await changing.handled(2)

  expect(changing.took('notes.other')).toEqual([1, 2])
})
