/** F6: a handler that never returns is aborted and reported, and blocks nothing but its own slot and key. */
import { expect, test } from 'vitest'
import { openStage } from '../support/stage.ts'

const HASTY = { name: 'faults.hasty', timeoutMs: 500, maxAttempts: 2 }

test.concurrent(
  'F6: a handler that never returns keeps its claim and its key, and other slots work on',
  async ({ onTestFinished }) => {
    const stage = await openStage({ handlers: [HASTY, { name: 'faults.steady' }] })
    onTestFinished(() => stage.close())
    const worker = await stage.worker({ words: ['--queues', 'events_partitioned=2'] })
    const [hanging] = await stage.publish(
      { task: 'hang', key: 'red', for: HASTY.name },
      { key: 'red', for: HASTY.name },
      { key: 'blue', for: HASTY.name },
    )

    const aborted = await stage.entry('it is told to stop', ({ step }) => step === 'aborted')
    await worker.signalled('attempt.overdue')
    const other = await stage.worker()
    const heartbeats = await beats(stage, hanging!, 5) // about 10 s, in which a claim without heartbeats would be lost
    await stage.publish({ key: 'green' })
    await stage.entry('another key is handled', ({ key, step }) => key === 'green' && step === 'end')

    const trace = await stage.trace.entries()
    const start = trace.find(({ eventId, step }) => eventId === hanging && step === 'start')
    expect(aborted).toMatchObject({ eventId: hanging, reason: 'POSTBUS_HANDLER_TIMEOUT' })
    expect(aborted.at - start!.at).toBeLessThan(2_500)
    expect(heartbeats).toBe(5)
    expect(worker.signalsNamed('attempt.overdue')).toHaveLength(1)
    expect(trace.filter(({ key, step }) => key === 'red' && step === 'start')).toHaveLength(1)
    expect(trace.filter(({ key, step }) => key === 'blue' && step === 'end')).toHaveLength(1)
    expect([...worker.signalsNamed('claim.lost'), ...other.signalsNamed('delivery.recovered')]).toEqual([])
  },
  120_000,
)

test.concurrent(
  'F6: an attempt that answers after its time has failed, and is tried again',
  async ({ onTestFinished }) => {
    const stage = await openStage({ handlers: [HASTY] })
    onTestFinished(() => stage.close())
    await stage.worker()

    await stage.publish({ ms: 700, for: HASTY.name })
    await stage.settled()

    expect(await stage.deliveries()).toEqual([
      expect.objectContaining({
        state: 'failed',
        retryCount: 1,
        errors: ['POSTBUS_HANDLER_TIMEOUT', 'POSTBUS_HANDLER_TIMEOUT'],
      }),
    ])
  },
)

/** Counts the heartbeats of the claim of an event's delivery, until there were `times`. */
async function beats(stage: Awaited<ReturnType<typeof openStage>>, eventId: string, times: number): Promise<number> {
  const seen = new Set<string>()
  while (seen.size <= times) {
    const { rows } = await stage.database.query<{ at: string; state: string }>(
      `select heartbeat_on::text as at, state::text as state from pgboss.job where data ->> 'event' = $1`,
      [eventId],
    )
    if (rows[0]?.state !== 'active') break
    seen.add(rows[0].at)
    await stage.database.query('select pg_sleep(0.1)')
  }
  return seen.size - 1
}
