/** F12, F13: the server is restarted, and killed, while events are published and handled. */
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { startEmbeddedServer, type EmbeddedServer } from '../support/embedded-server.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { breaches, ghosts, lost, needlessRepeats, overlaps, type Interruption } from '../support/trace-checks.ts'
import { until } from '../support/until.ts'
import { TaskAdded } from './tasks.ts'

test.concurrent(
  'F12: a restarted server costs nothing but time, and what was running is not run again',
  async (around) => {
    const { server, stage, workers } = await aStageOfItsOwn(around)
    const publisher = publishSteadily(stage)

    const resumedAfterMs: number[] = []
    for (let restart = 0; restart < 3; restart += 1) {
      await handled(stage, 20)
      await server.stop()
      await server.start()
      const answeredAt = await stage.trace.now()
      const first = await stage.entry('work goes on', ({ step, at }) => step === 'end' && at > answeredAt + 100, 20_000)
      resumedAfterMs.push(Math.round(first.at - answeredAt))
    }
    await publisher.stop()
    await stage.settled(30_000)

    console.log(`F12: handlers ran again ${resumedAfterMs.join(', ')} ms after the server answered`)
    expect(await problems(stage, publisher.committed(), [])).toEqual([])
    expect(Math.max(...resumedAfterMs)).toBeLessThan(5_000)
    for (const { pid } of workers)
      expect((await stage.trace.entries()).filter((entry) => entry.pid === pid)).not.toEqual([])
  },
  90_000,
)

test.concurrent(
  'F12: an outage longer than a claim lives does not run again what the living workers are running',
  async (around) => {
    const { server, stage } = await aStageOfItsOwn(around)
    await stage.publish({ ms: 16_000 }, { ms: 16_000, key: 'red' }, { ms: 1_000 })
    await handled(stage, 3, 'start')

    await server.stop()
    await delay(12_000) // the fault itself
    await server.start()
    const answeredAt = await stage.trace.now()
    await until('publishing works again', async () => (await stage.publish({ ms: 1 }).catch(() => [])).length > 0)
    await handled(stage, 4, 'end', 30_000)
    await stage.settled(30_000)

    const trace = await stage.trace.entries()
    const first = trace.find(({ step, at }) => step === 'start' && at > answeredAt)
    console.log(
      `F12: after an outage of 12 s the first handler ran ${Math.round((first?.at ?? 0) - answeredAt)} ms later`,
    )
    expect(needlessRepeats(trace)).toEqual([])
    expect(overlaps(trace)).toEqual([])
    expect((first?.at ?? Infinity) - answeredAt).toBeLessThan(15_000)
  },
  90_000,
)

test.concurrent(
  'F13: a crashed server loses nothing that was committed, and half a publish is none',
  async (around) => {
    const { server, stage } = await aStageOfItsOwn(around)
    const publisher = publishSteadily(stage)

    const interruptions: Interruption[] = []
    for (let crash = 0; crash < 2; crash += 1) {
      await handled(stage, 20)
      await server.crash()
      // Claims and completions of the last moment before the crash may be lost, so what was in flight may run again.
      const from = await stage.trace.now()
      await server.start()
      const to = await stage.trace.now()
      const trace = await stage.trace.entries()
      for (const pid of new Set(trace.map((entry) => entry.pid))) interruptions.push({ pid, from: from - 1_000, to })
      await stage.entry('work goes on', ({ step, at }) => step === 'end' && at > to + 100, 20_000)
    }
    await publisher.stop()
    await stage.settled(30_000)

    expect(await problems(stage, publisher.committed(), interruptions)).toEqual([])
  },
  90_000,
)

interface Around {
  onTestFinished(done: () => Promise<void>): void
}

async function aStageOfItsOwn({ onTestFinished }: Around) {
  const server = await startEmbeddedServer()
  onTestFinished(() => server.remove())
  const stage = await openStage({ server: server.connectionString })
  onTestFinished(() => stage.close())
  await stage.database.query('create table note (event_id text)')
  const workers = [await stage.worker(), await stage.worker()]
  return { server, stage, workers } satisfies { server: EmbeddedServer; [name: string]: unknown }
}

/** Publishes in transactions that also write a row of their own. That row shows whether the commit arrived. */
function publishSteadily(stage: Stage) {
  const over = new AbortController()
  const sure = new Set<string>()
  const publishing = (async () => {
    for (let n = 0; !over.signal.aborted; n += 1) {
      const client = new Client({ connectionString: stage.connectionString, connectionTimeoutMillis: 2_000 })
      client.on('error', () => undefined)
      try {
        await client.connect()
        await client.query('begin')
        const event = TaskAdded({ ms: 30, key: n % 2 ? `key ${n % 5}` : null })
        await client.query('insert into note values ($1)', [event.id])
        await stage.bus.publish(event, { tx: client })
        await client.query('commit')
        sure.add(event.id)
      } catch {
        await delay(50) // the server is away
      } finally {
        await client.end().catch(() => undefined)
      }
    }
  })()
  return {
    committed: () => sure,
    async stop() {
      over.abort()
      await publishing
    },
  }
}

async function problems(stage: Stage, sure: ReadonlySet<string>, interruptions: readonly Interruption[]) {
  const trace = await stage.trace.entries()
  const { rows } = await stage.database.query<{ event_id: string }>('select event_id from note')
  const notes = rows.map((row) => row.event_id)
  const events = await stage.database.query<{ id: string }>('select id from postbus.event')
  const deliveries = await stage.deliveries()
  const expected = notes.map((eventId) => ({ handler: 'faults.steady', eventId }))
  return [
    ...[...sure].filter((id) => !notes.includes(id)).map((id) => `${id} was committed, and is gone`),
    ...breaches(
      notes,
      events.rows.map((row) => row.id),
      deliveries.map((delivery) => delivery.eventId),
    ),
    ...lost(expected, trace, await stage.dead()),
    ...needlessRepeats(trace, interruptions),
    ...overlaps(trace, interruptions),
    ...ghosts(trace, new Set(notes)),
  ]
}

async function handled(stage: Stage, more: number, step = 'end', limitMs?: number): Promise<void> {
  const count = async () => (await stage.trace.entries()).filter((entry) => entry.step === step).length
  const before = more === 20 ? await count() : 0
  await until(`${more} more are at their ${step}`, async () => (await count()) >= before + more, limitMs)
}
