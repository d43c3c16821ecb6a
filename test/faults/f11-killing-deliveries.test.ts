/** F11: a delivery that kills every process in which it runs, by lack of memory or by an exit: it becomes a dead letter, its neighbours do not. */
import { expect, test } from 'vitest'
import { openStage, type Stage } from '../support/stage.ts'
import { until } from '../support/until.ts'

const OTHERS = 50

test.concurrent.for([
  ['exit-at-once', null],
  ['hoard', 'red'],
] as const)(
  'F11: beside a delivery that kills by %s (key %s), all others are done, and are charged no attempt that did not start',
  { timeout: 180_000 },
  async ([task, key], { onTestFinished }) => {
    const stage = await openStage({ handlers: [{ name: 'faults.steady', maxAttempts: 3 }] })
    onTestFinished(() => stage.close())
    const others = Array.from({ length: OTHERS }, (_, n) => ({ ms: 20, key: n % 2 ? `key ${n % 20}` : null }))
    const [killer] = await stage.publish({ task, key }, ...others)

    const deaths = await superviseUntilSettled(stage)

    expect(deaths).toBe(3)
    const { deadLetters } = await stage.bus.deadLetters.list()
    expect(deadLetters).toMatchObject([{ eventId: killer, reason: expect.stringContaining('died or lost its claim') }])
    expect(deadLetters[0]?.attempts.map(({ attempt, code }) => [attempt, code])).toEqual(
      [1, 2, 3].map((attempt) => [attempt, 'POSTBUS_WORKER_DIED']),
    )
    const starts = Map.groupBy(
      (await stage.trace.entries()).filter(({ step }) => step === 'start'),
      (one) => one.eventId,
    )
    const innocent = (await attempts(stage)).filter(({ eventId }) => eventId !== killer)
    expect(innocent.filter(({ state }) => state === 'done')).toHaveLength(OTHERS)
    for (const { eventId, count } of innocent) expect(count).toBeLessThanOrEqual(starts.get(eventId)?.length ?? 0)
  },
)

/** Starts another worker for each one that has died, and returns how many have died. */
async function superviseUntilSettled(stage: Stage): Promise<number> {
  let deaths = 0
  const supervisor = new AbortController()
  const supervised = (async () => {
    while (!supervisor.signal.aborted) {
      const worker = await stage.worker({ wait: false, node: ['--max-old-space-size=256'] })
      const stop = () => worker.kill('SIGTERM')
      supervisor.signal.addEventListener('abort', stop)
      const { code } = await worker.exited
      supervisor.signal.removeEventListener('abort', stop)
      if (code === 0) return
      deaths += 1
      await takeOver(stage)
    }
  })()
  await until('nothing waits or runs any more', () => isSettled(stage), 160_000)
  supervisor.abort()
  await supervised
  return deaths
}

async function isSettled({ database }: Stage): Promise<boolean> {
  return (await database.query(`select from pgboss.job where state < 'completed' limit 1`)).rows.length === 0
}

/** Takes over its claims at once, not 10 s later, because the process is known to be dead. */
async function takeOver({ database }: Stage): Promise<void> {
  await database.query(`
    select from (
      select array_agg(name) as queues, array_agg(id) as ids, array_agg(null::bigint) as beats, array_agg(true) as lost,
        array_agg(retry_count * 60000000::bigint + date_part('microseconds', started_on)::bigint) as claims
      from pgboss.job where state = 'active'
    ) claimed, postbus.recover_silent(queues, ids, claims, beats, lost, null, 0, 0, '{"code": "POSTBUS_WORKER_DIED"}')`)
}

async function attempts({ database }: Stage) {
  const { rows } = await database.query<{ eventId: string; state: string; count: number }>(
    'select event_id as "eventId", state, attempts as count from postbus.deliveries()',
  )
  return rows
}
