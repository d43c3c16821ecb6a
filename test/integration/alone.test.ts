/** A delivery that may be killing its process runs when nothing else does. An attempt whose claim was lost, and comes back, goes on. */
import { expect, onTestFinished, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { aSignal, handlerThat, NoteTaken, storedNotes, type Doing } from '../support/notes.ts'
import { until } from '../support/until.ts'

test.each([null, 'red'])(
  'a delivery (key %s) whose claim was lost twice begins when running ones have ended, and nothing begins beside it',
  async (key) => {
    const finish = new Map([1, 2, 3, 4].map((n) => [n, aSignal()]))
    const running = new Set<number>()
    const steps: string[] = []
    const opened = await opening(async (n) => {
      running.add(n)
      steps.push([...running].join())
      await finish.get(n)?.promise
      running.delete(n)
    })
    await opened.bus.publish(NoteTaken({ n: 1, key }))
    await opened.database.query(LOST_TWICE)
    await opened.bus.publish([NoteTaken({ n: 2 }), NoteTaken({ n: 3, key: 'green' })])
    await working(opened)
    await until('the others run', () => running.size === 2)

    await opened.bus.publish([NoteTaken({ n: 4 })])
    finish.get(2)?.resolve()
    finish.get(3)?.resolve()
    await until('it runs', () => running.has(1))
    finish.get(1)?.resolve()
    finish.get(4)?.resolve()
    await until('all are done', async () => (await states(opened)).every((state) => state === 'completed'))

    expect(steps.slice(2)).toEqual(['1', '4'])
  },
)

test('a stop gives back, unchanged, deliveries that wait to run alone', async () => {
  const ran: number[] = []
  const opened = await opening(async (n) => {
    ran.push(n)
    await new Promise(() => undefined)
  })
  await opened.bus.publish(NoteTaken({ n: 1 }))
  await opened.database.query(LOST_TWICE)
  await opened.bus.publish(NoteTaken({ n: 2 }))
  const worker = await working(opened)
  await until('both are claimed', async () => (await states(opened)).join() === 'active,active')

  await worker.stop()

  expect(ran).toEqual([2])
  expect((await storedNotes(opened)).map(({ state, used }) => [state, used])).toEqual([
    ['retry', 0],
    ['retry', 0],
  ])
})

test.each([null, 'red'])(
  'an outcome (key %s) counts if its claim was lost and came back to the same worker, and nothing runs twice',
  async (key) => {
    const finish = aSignal()
    const ran: number[] = []
    const opened = await opening(async (n) => {
      ran.push(n)
      await finish.promise
    })
    const worker = await working(opened)
    await opened.bus.publish(NoteTaken({ n: 1, key }))
    await until('it runs', () => ran.length === 1)

    await opened.database.query(TAKE_OVER)
    await until('it has come back', async () => (await states(opened))[0] === 'active')
    await opened.bus.publish(NoteTaken({ n: 2, key: key && 'blue' }))
    await until('the worker has the answers of both claims', () => ran.length === 2)
    finish.resolve()
    await until('both are done', async () => (await states(opened)).join() === 'completed,completed')

    expect(ran).toEqual([1, 2])
    expect(worker.counts()).toEqual({ done: 2, failed: 0, dead: 0, snoozed: 0 })
    expect(opened.signalsNamed('claim.lost')).toEqual([])
  },
)

const LOST_TWICE = `update pgboss.job set state = 'retry', start_after = now() - interval '1 s', started_on = now(),
  output = '[{"attempt": 1, "code": "POSTBUS_WORKER_DIED", "lost": 1, "begun": false}, {"attempt": 2, "code": "POSTBUS_WORKER_DIED", "lost": 2, "begun": false}]',
  retry_count = 1, retry_limit = retry_limit + 2`

/** Takes over active claims, as recovery does. */
const TAKE_OVER = `select from pgboss.job, postbus.recover_silent(
    array[name], array[id], array[retry_count * 60000000::bigint + date_part('microseconds', started_on)::bigint],
    array[null::bigint], array[true], null, 0, 0, '{"code": "POSTBUS_WORKER_DIED"}'
  ) where state = 'active'`

async function opening(does: Doing): Promise<TestBus> {
  const opened = await openTestBus({ handlers: [handlerThat(does, { maxAttempts: 5 })] })
  onTestFinished(() => opened.close())
  return opened
}

async function working({ bus }: TestBus) {
  const worker = bus.worker({ pollMs: 100, shutdownGraceMs: 0 })
  onTestFinished(async () => void (await worker.stop()))
  await worker.start()
  return worker
}

async function states(opened: TestBus): Promise<readonly string[]> {
  return (await storedNotes(opened)).map(({ state }) => state)
}
