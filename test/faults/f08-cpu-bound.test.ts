/** F8: a handler that computes for longer than a claim lives, without a pause: no timer of its process fires meanwhile. */
import { expect, test } from 'vitest'
import { openStage, type Stage } from '../support/stage.ts'
import { until } from '../support/until.ts'

test.concurrent(
  'F8: a handler that computes for 16 s keeps its claim, and the claims of all handlers that run beside it',
  { timeout: 120_000 },
  async ({ onTestFinished }) => {
    const stage = await openStage()
    onTestFinished(() => stage.close())
    const workers = [await stage.worker(), await stage.worker()]
    await stage.publish(...Array.from({ length: 12 }, (_, n) => ({ ms: 18_000, key: n % 2 ? `key ${n}` : null })))
    await until('all run', async () => (await stage.trace.entries()).length === 12)

    await stage.publish({ task: 'compute', ms: 16_000 })
    await stage.settled(70_000)

    expect(await steps(stage)).toEqual([...Array(13).fill('end 1'), ...Array(13).fill('start 1')])
    const stalls = workers.flatMap((worker) => worker.signalsNamed('worker.stalled'))
    expect(stalls).toMatchObject([{ level: 'warn', fields: { handlers: ['faults.steady'] } }])
    expect(stalls[0]?.message).toMatch(/^The event loop stood still for (15|16)\.\d s\..*faults\.steady/)
    expect(workers.flatMap((worker) => worker.signalsNamed('claim.lost'))).toEqual([])
    expect(workers.flatMap((worker) => worker.signalsNamed('delivery.recovered'))).toEqual([])
  },
)

test.concurrent(
  'F8: the first event that a worker ever gets may be the one that computes',
  { timeout: 120_000 },
  async ({ onTestFinished }) => {
    const stage = await openStage()
    onTestFinished(() => stage.close())
    const workers = [await stage.worker(), await stage.worker()]
    await stage.publish({ task: 'compute', ms: 16_000, key: 'red' })
    await stage.settled(40_000)

    expect(await steps(stage)).toEqual(['end 1', 'start 1'])
    expect(workers.flatMap((worker) => worker.signalsNamed('delivery.recovered'))).toEqual([])
  },
)

test.concurrent(
  'F8: a claim is given up when the loop stands still for longer than timeoutMs and the grace, and the error says so',
  { timeout: 120_000 },
  async ({ onTestFinished }) => {
    const stage = await openStage({ handlers: [{ name: 'faults.steady', timeoutMs: 2_000 }] })
    onTestFinished(() => stage.close())
    const workers = [
      await stage.worker({ words: ['--grace-ms', '2000'] }),
      await stage.worker({ words: ['--grace-ms', '2000'] }),
    ]
    const [eventId] = await stage.publish({ task: 'compute', ms: 12_000, laterMs: 100 })
    const first = await stage.entry('it runs', ({ step }) => step === 'start')

    const again = await stage.entry('it runs elsewhere', ({ pid }) => pid !== first.pid, 15_000)
    await stage.settled(10_000)

    expect(again).toMatchObject({ eventId, attempt: 2 })
    expect(await stage.deliveries()).toMatchObject([{ state: 'completed', errors: ['POSTBUS_WORKER_STALLED'] }])
    const computing = workers.find(({ pid }) => pid === first.pid)
    await computing?.signalled('attempt.failed') // by its own time limit, once the event loop runs again
    expect(await stage.deliveries()).toMatchObject([{ state: 'completed', retryCount: 1 }])
  },
)

async function steps(stage: Stage): Promise<readonly string[]> {
  return (await stage.trace.entries()).map(({ step, attempt }) => `${step} ${attempt}`).toSorted()
}
