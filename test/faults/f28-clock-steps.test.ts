/** F28: the server's clock is set while workers run. All statements read the time from `job_now()`. */
import { expect, test } from 'vitest'
import { openStage, type Stage } from '../support/stage.ts'
import { until } from '../support/until.ts'

const STEPS = ['15 s', '60 s', '-15 s', '-60 s']

test.concurrent.for(STEPS)(
  'F28: a step of %s takes no claim from a living worker',
  { timeout: 120_000 },
  async (step, { onTestFinished }) => {
    const stage = await openStage()
    onTestFinished(() => stage.close())
    const workers = [await stage.worker(), await stage.worker()]
    await stage.publish(...Array.from({ length: 20 }, (_, n) => ({ ms: 22_000, key: n % 2 ? `key ${n}` : null })))
    await until('all run', async () => (await stage.trace.entries()).length === 20)

    await setClock(stage, step)
    await stage.settled(45_000)

    const steps = (await stage.trace.entries()).map((entry) => `${entry.step} ${entry.attempt}`)
    expect(steps.toSorted()).toEqual([...Array(20).fill('end 1'), ...Array(20).fill('start 1')])
    for (const worker of workers) {
      expect(worker.signalsNamed('claim.lost')).toEqual([])
      expect(worker.signalsNamed('delivery.recovered')).toEqual([])
    }
  },
)

test.concurrent.for(STEPS)(
  'F28: a step of %s delays the takeover from a dead worker by no more than a few seconds',
  { timeout: 120_000 },
  async (step, { onTestFinished }) => {
    const stage = await openStage()
    onTestFinished(() => stage.close())
    const doomed = await stage.worker()
    await stage.publish({ ms: 60_000 }, { ms: 60_000, key: 'red' })
    await until('both run', async () => (await stage.trace.entries()).length === 2)
    const other = await stage.worker()

    doomed.kill('SIGKILL')
    const killedAt = await stage.trace.now()
    await setClock(stage, step)

    const again = await stage.entry('one runs again', ({ pid }) => pid === other.pid, 60_000)
    expect(again.attempt).toBe(2)
    expect(again.at - killedAt).toBeLessThan(25_000)
    await until('both run again', async () => (await stage.trace.entries()).length === 4)
  },
)

test('F28: what is published after a step back is handled at once', async ({ onTestFinished }) => {
  const stage = await openStage()
  onTestFinished(() => stage.close())
  await stage.worker()

  await setClock(stage, '-60 s')
  await stage.publish({}, { key: 'red' })

  await stage.settled(6_000)
  const steps = (await stage.trace.entries()).map(({ step }) => step)
  expect(steps.toSorted()).toEqual(['end', 'end', 'start', 'start'])
}, 60_000)

async function setClock({ database }: Stage, by: string): Promise<void> {
  await database.query(
    `create or replace function pgboss.job_now() returns timestamptz language sql stable as $$ select now() + interval '${by}' $$`,
  )
}
