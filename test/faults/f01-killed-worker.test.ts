/** F1: a worker that is killed in the middle of a handler costs one attempt, and at most 15 s. */
import { expect, onTestFinished, test } from 'vitest'
import { openStage } from '../support/stage.ts'
import { until } from '../support/until.ts'

test('F1: what a killed worker was running runs elsewhere within 15 s, and nothing else runs again', async () => {
  const stage = await openStage()
  onTestFinished(() => stage.close())
  const doomed = await stage.worker()
  const [done, running] = await stage.publish({ task: 'work' }, { task: 'work', ms: 60_000 })
  await stage.entry('one runs', (entry) => entry.eventId === running && entry.step === 'start')
  await until('one is done', async () => (await stage.deliveries())[0]?.state === 'completed')

  const other = await stage.worker()
  doomed.kill('SIGKILL')
  const killedAt = await stage.trace.now()
  const [later] = await stage.publish({ task: 'work' })

  const again = await stage.entry(
    'it runs again',
    ({ eventId, attempt }) => eventId === running && attempt === 2,
    20_000,
  )
  expect(again.at - killedAt).toBeLessThan(15_000)
  expect(again.pid).toBe(other.pid)
  const byState = new Map((await stage.deliveries()).map((delivery) => [delivery.eventId, delivery]))
  expect(byState.get(running!)).toMatchObject({ state: 'active', errors: ['POSTBUS_WORKER_DIED'] })
  expect(byState.get(done!)).toMatchObject({ state: 'completed', retryCount: 0, errors: [] })
  expect(byState.get(later!)).toMatchObject({ state: 'completed', retryCount: 0, errors: [] })
  expect(other.signalsNamed('delivery.recovered')).toHaveLength(1)
  console.log(`F1: ran again ${Math.round(again.at - killedAt)} ms after the kill`)
}, 40_000)
