/** F1 for handlers of the log: a worker that is killed leaves its shards to others. */
import { expect, onTestFinished, test } from 'vitest'
import { STEADY } from './tasks.ts'
import { openStage } from '../support/stage.ts'
import { overlaps } from '../support/trace-checks.ts'

const KEYS = Array.from({ length: 16 }, (_, n) => `key ${n}`)

test('F1: the shards of a killed worker go on in another worker within 15 s, each key in order', async () => {
  const stage = await openStage({ handlers: [{ ...STEADY, delivery: 'log', shards: 8 }] })
  onTestFinished(() => stage.close())
  const doomed = await stage.worker()
  const [running] = await stage.publish({ key: 'red', turn: 1, ms: 60_000, laterMs: 0 })
  await stage.entry('one runs', (entry) => entry.eventId === running && entry.step === 'start')

  const other = await stage.worker()
  doomed.kill('SIGKILL')
  const killedAt = await stage.trace.now()
  const red = await stage.publish({ key: 'red', turn: 2 }, { key: 'red', turn: 3 })
  const ids = await stage.publish(...[1, 2, 3].flatMap((turn) => KEYS.map((key) => ({ key, turn }))))
  await stage.settled(20_000)

  const trace = await stage.trace.entries()
  const ends = trace.filter(({ step, pid }) => step === 'end' && pid === other.pid)
  const all = [running!, ...red, ...ids]
  expect(ends.map(({ eventId }) => eventId).toSorted()).toEqual(all.toSorted())
  for (const key of ['red', ...KEYS]) {
    const order = ends.filter((entry) => entry.key === key).map(({ eventId }) => all.indexOf(eventId))
    expect(order).toHaveLength(3)
    expect(order).toEqual(order.toSorted((one, another) => one - another))
  }
  expect(overlaps(trace, [{ pid: doomed.pid, from: killedAt }])).toEqual([])
  const lastMs = Math.max(...ends.map(({ at }) => at)) - killedAt
  expect(lastMs).toBeLessThan(15_000)
  console.log(`F1: the last shard had caught up ${Math.round(lastMs)} ms after the kill`)
}, 60_000)
