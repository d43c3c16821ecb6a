/** Locks that hold up the heartbeats of all workers for longer than a claim lives: workers that live lose nothing. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openStage } from '../support/stage.ts'
import { until } from '../support/until.ts'

const LOCKS = [
  ['the table locked against writing', 'lock table pgboss.job_common in share mode'],
  ['the table locked against everything', 'lock table pgboss.job_common in access exclusive mode'],
  ['the rows locked', 'select from pgboss.job for update'],
] as const

test.concurrent.for(LOCKS.flatMap((lock) => [11_500, 14_000].map((ms) => [...lock, ms] as const)))(
  '%s: %s for %i ms',
  { timeout: 120_000 },
  async ([, lock, ms], { onTestFinished }) => {
    const stage = await openStage()
    onTestFinished(() => stage.close())
    const workers = [await stage.worker(), await stage.worker()]
    await stage.publish(...Array.from({ length: 12 }, (_, n) => ({ ms: 17_000, key: n % 2 ? `key ${n}` : null })))
    await until('all run', async () => (await stage.trace.entries()).length === 12)
    const holder = await stage.database.connect()

    await holder.query('begin')
    await holder.query(lock)
    await delay(ms) // the fault itself
    await holder.query('commit')
    holder.release()

    await stage.settled(60_000)
    const steps = (await stage.trace.entries()).map((entry) => `${entry.step} ${entry.attempt}`)
    expect(steps.toSorted()).toEqual([...Array(12).fill('end 1'), ...Array(12).fill('start 1')])
    for (const worker of workers) expect(worker.signalsNamed('delivery.recovered')).toEqual([])
  },
)
