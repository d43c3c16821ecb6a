/** F2: a worker that is frozen for longer than a claim lives, and then goes on as if nothing had happened. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openStage } from '../support/stage.ts'
import { until } from '../support/until.ts'

/** Longer than the 10 s after which a silent worker counts as dead. */
const FROZEN_MS = 12_500

test.concurrent(
  'F2: a frozen worker loses its claim, is told so when it wakes, and its result counts for nothing',
  async ({ onTestFinished }) => {
    const stage = await openStage()
    onTestFinished(() => stage.close())
    const frozen = await stage.worker()
    const [eventId] = await stage.publish({ task: 'obey', ms: 30_000, laterMs: 3_000 })
    await stage.entry('it runs', ({ step }) => step === 'start')

    frozen.kill('SIGSTOP')
    const other = await stage.worker()
    await stage.entry('it runs elsewhere', ({ pid, step }) => pid === other.pid && step === 'start', 20_000)
    frozen.kill('SIGCONT')

    const aborted = await stage.entry('it is told', ({ pid, step }) => pid === frozen.pid && step === 'aborted')
    expect(aborted).toMatchObject({ eventId, attempt: 1, reason: 'POSTBUS_CLAIM_LOST' })
    await frozen.signalled('claim.lost')
    await stage.settled(25_000)
    expect(await stage.deliveries()).toEqual([
      expect.objectContaining({ state: 'completed', retryCount: 1, errors: ['POSTBUS_WORKER_DIED'] }),
    ])
    const ended = (await stage.trace.entries()).filter(({ step }) => step === 'end')
    expect(ended.map(({ pid, attempt }) => [pid, attempt])).toEqual([[other.pid, 2]])
  },
  120_000,
)

test.concurrent(
  'F2: a worker that was frozen alone keeps its claims: it does not take them over from itself',
  async ({ onTestFinished }) => {
    const stage = await openStage()
    onTestFinished(() => stage.close())
    const frozen = await stage.worker()
    await stage.publish({ ms: FROZEN_MS + 2_500 }, { ms: FROZEN_MS + 2_500, key: 'red' })
    await until('both run', async () => (await stage.trace.entries()).length === 2)

    frozen.kill('SIGSTOP')
    await delay(FROZEN_MS) // the fault itself
    frozen.kill('SIGCONT')

    await stage.settled(30_000)
    expect((await stage.trace.entries()).map(({ step }) => step).toSorted()).toEqual(['end', 'end', 'start', 'start'])
    expect(frozen.signalsNamed('claim.lost')).toEqual([])
    expect(frozen.signalsNamed('delivery.recovered')).toEqual([])
  },
  120_000,
)
