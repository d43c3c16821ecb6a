/** F1 for batches: a worker that is killed in the middle of a batch. */
import { expect, onTestFinished, test } from 'vitest'
import { openStage } from '../support/stage.ts'
import { overlaps } from '../support/trace-checks.ts'
import { until } from '../support/until.ts'

test('F1: all members of a batch whose worker was killed come again within 15 s, each key in order, and nothing else does', async () => {
  const stage = await openStage({ handlers: [{ name: 'faults.steady', batchSize: 8 }] })
  onTestFinished(() => stage.close())
  const doomed = await stage.worker()
  const [settled] = await stage.publish({})
  await until('one is settled', async () => (await stage.deliveries())[0]?.state === 'completed')
  const slow = { ms: 60_000, laterMs: 0 }
  const ids = await stage.publish(
    { ...slow, key: 'red', turn: 1 },
    { key: 'red', turn: 2 },
    { key: 'red', turn: 3 },
    { key: 'green', turn: 1 }, // these end before the kill, and are not settled
    { key: 'green', turn: 2 },
    { key: 'green', turn: 3 },
    slow,
    slow,
  )
  await until('its batch runs', async () => {
    const begun = (await stage.trace.entries()).filter(({ step, eventId }) => step === 'start' && ids.includes(eventId))
    return begun.length === 6
  })

  await stage.worker()
  doomed.kill('SIGKILL')
  const killedAt = await stage.trace.now()
  await stage.settled(20_000)

  const trace = await stage.trace.entries()
  const again = trace.filter(({ pid, step }) => pid !== doomed.pid && step === 'end')
  expect(new Set(again.map(({ eventId }) => eventId))).toEqual(new Set(ids))
  expect(again).toHaveLength(8)
  expect(Math.max(...again.map(({ at }) => at)) - killedAt).toBeLessThan(15_000)
  for (const key of ['red', 'green']) {
    const order = again.filter((entry) => entry.key === key).map(({ eventId }) => ids.indexOf(eventId))
    expect(order).toEqual(order.toSorted((one, other) => one - other))
  }
  expect(overlaps(trace, [{ pid: doomed.pid, from: killedAt }])).toEqual([])
  expect((await stage.deliveries()).find(({ eventId }) => eventId === settled)).toMatchObject({ retryCount: 0 })
}, 60_000)
