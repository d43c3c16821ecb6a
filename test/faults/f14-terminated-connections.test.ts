/** F14: connections of the workers are terminated, one at a time and at random, while they work. */
import { expect, onTestFinished, test } from 'vitest'
import { openStage } from '../support/stage.ts'
import { lost, needlessRepeats, overlaps } from '../support/trace-checks.ts'
import { until } from '../support/until.ts'
import { seeded } from './kills-under-load.ts'

const EVENTS = 1_500
const USUAL_CONNECTIONS = 12

test('F14: terminated connections cost a worker nothing: everything is handled, once', async () => {
  const stage = await openStage()
  onTestFinished(() => stage.close())
  const workers = [await stage.worker(), await stage.worker()]
  const seed = Date.now() % 1_000_000
  const random = seeded(seed)
  const tasks = Array.from({ length: EVENTS }, (_, n) => ({ ms: 40, key: n % 2 ? `key ${n % 60}` : null }))

  const published = await stage.publish(...tasks)
  let terminated = 0
  const over = new AbortController()
  const handling = stage.settled(60_000).finally(() => over.abort())
  while (!over.signal.aborted) {
    // The publisher's and the test's own connections do nothing meanwhile, and have other process ids.
    const { rows } = await stage.database.query<{ pid: number }>(
      `select pid from pg_stat_activity where application_name = 'postbus' and datname = current_database() order by pid`,
    )
    // As if each lived 0.4 s. If few are left, a rate for all together would cut each one before it has sent anything.
    const chosen = rows[Math.floor(random() * Math.max(rows.length, USUAL_CONNECTIONS))]
    if (chosen) await stage.database.query('select pg_terminate_backend($1)', [chosen.pid])
    terminated += chosen ? 1 : 0
    await stage.database.query('select pg_sleep(0.03)')
  }
  await handling

  const trace = await stage.trace.entries()
  console.log(`F14: seed ${seed}: ${terminated} connections terminated while ${EVENTS} events were handled`)
  expect(terminated).toBeGreaterThan(20)
  expect(
    lost(
      published.map((eventId) => ({ handler: 'faults.steady', eventId })),
      trace,
    ),
  ).toEqual([])
  expect(needlessRepeats(trace)).toEqual([])
  expect(overlaps(trace)).toEqual([])
  for (const { pid } of workers) expect(trace.some((entry) => entry.pid === pid)).toBe(true)
}, 90_000)

test('F14: a publisher whose connection is terminated sees an error, and nothing was published', async () => {
  const stage = await openStage()
  onTestFinished(() => stage.close())
  await stage.publish({ task: 'work' })
  const blocker = await stage.database.connect()
  await blocker.query('begin; lock table postbus.event')

  const publishing = stage.publish({ task: 'work' })
  const refused = expect(publishing).rejects.toThrow(/terminat/)
  await until('it waits for the table', async () => {
    const { rows } = await stage.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like '%publish%'`,
    )
    return rows.length === 1
  })
  await refused
  await blocker.query('rollback')
  blocker.release()

  expect(await stage.deliveries()).toHaveLength(1)
  expect(await stage.publish({ task: 'work' })).toHaveLength(1)
})
