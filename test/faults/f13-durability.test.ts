/** F13: what a crash of the server undoes and what it does not, if the database's default is that commits do not wait. */
import { expect, test } from 'vitest'
import type { ClaimedDelivery, Settlement } from '../../src/deliveries/delivery.ts'
import { aForgetfulServer } from '../support/forgetful-server.ts'
import { anotherBus, handlerThat, NoteTaken, storedNotes } from '../support/notes.ts'
import { takeOverSilent } from '../support/take-over.ts'
import { until } from '../support/until.ts'

const ERROR = { attempt: 1, at: '2026-01-01T00:00:00Z', code: null, message: 'broken', stack: null }
const taking = () => [handlerThat(() => undefined), handlerThat(() => undefined, { name: 'notes.take-too' })]

test.concurrent(
  'what was answered survives a crash: publishes, dead letters, what operators did, and migrations',
  async (around) => {
    const { bus, database, store, claim, forget, crash, connectionString } = await aForgetfulServer(around, taking())
    const notes = Array.from({ length: 10 }, (_, n) => NoteTaken({ n, key: n % 2 ? `key ${n}` : null }))

    /** No commit that waits for the disk follows the act, or it would bring the act to the disk too. */
    const surviving = async (act: () => Promise<unknown>) => {
      await act()
      const isForgotten = await forget()
      await crash()
      expect(await isForgotten()).toBe(true)
    }

    await surviving(() => each(notes, (note) => bus.publish(note)))
    const { rows } = await database.query<{ id: string }>('select id from postbus.event order by seq')
    expect(rows.map(({ id }) => id)).toEqual(notes.map(({ id }) => id))

    const [first, second] = (await claim(2)) as [ClaimedDelivery, ClaimedDelivery]
    await surviving(() => store.settle('events', [dead(first), dead(second)]))
    expect(await bus.deadLetters.count()).toBe(2)

    await surviving(() => bus.deadLetters.dismiss({ deliveryIds: [first.id] }))
    expect(await bus.deadLetters.count()).toBe(1)
    expect(await drained(bus)).toEqual({ done: 18, failed: 0, dead: 0, snoozed: 0 })

    const later = anotherBus({ connectionString }, [handlerThat(() => undefined, { queue: 'later' })])
    around.onTestFinished(() => later.close())
    await surviving(() => later.migrate())
    expect((await later.migrate()).steps).toEqual([])
  },
  120_000,
)

test.concurrent(
  'of the publishes that a crash cuts short each is there wholly or not at all, and what was answered is there',
  async (around) => {
    const { bus, database, crash } = await aForgetfulServer(around, taking())
    const answered: string[] = []
    const publishing = Array.from({ length: 4 }, async () => {
      for (let isThere = true; isThere;) {
        const list = crypto.randomUUID()
        const notes = [1, 2, 3].map((n) => NoteTaken({ n }, { correlationId: list }))
        isThere = await bus.publish(notes).then(
          () => true,
          () => false,
        )
        if (isThere) answered.push(list)
      }
    })

    await until('publishing goes well', () => answered.length > 100)
    await crash()
    await Promise.all(publishing)

    const { rows } = await database.query<{ list: string; events: number; deliveries: number }>(
      `select correlation_id as list, count(distinct event.id)::integer as events, count(job.id)::integer as deliveries
      from postbus.event left join pgboss.job on job.data ->> 'event' = event.id::text group by 1`,
    )
    expect(rows.filter(({ events, deliveries }) => events !== 3 || deliveries !== 6)).toEqual([])
    expect(answered.filter((list) => !rows.some((row) => row.list === list))).toEqual([])
  },
  120_000,
)

test.concurrent(
  'a claim that a crash undid ends no attempt of the next claim, for every outcome of its handler',
  async (around) => {
    const { bus, database, store, claim, flush, crash } = await aForgetfulServer(around, taking().slice(0, 1))
    await bus.publish([1, 2, 3, 4].map((n) => NoteTaken({ n })))
    await flush()

    const undone = await claim(4)
    await crash()
    expect((await storedNotes({ database })).map(({ state, used }) => [state, used])).toEqual(
      Array.from({ length: 4 }, () => ['created', 0]),
    )
    const again = await claim(4)
    const late = await store.settle('events', outcomes(undone))

    expect(again.map(({ id, attempt }) => [id, attempt])).toEqual(undone.map(({ id, attempt }) => [id, attempt]))
    expect(late.ours.size).toBe(0)
    expect((await store.keep('events', undone)).size).toBe(0)
    expect((await store.keep('events', again)).size).toBe(4)
    expect((await store.settle('events', again.map(done))).ours.size).toBe(4)
    expect(await bus.deadLetters.count()).toBe(0)
  },
  120_000,
)

test.concurrent(
  'a settle that a crash undid leads to another attempt, never to a loss',
  async (around) => {
    const { bus, database, store, claim, flush, crash } = await aForgetfulServer(around, taking().slice(0, 1))
    await bus.publish([1, 2, 3].map((n) => NoteTaken({ n })))
    const claimed = await claim(3)
    await flush()

    expect((await store.settle('events', outcomes(claimed).slice(0, 3))).ours.size).toBe(3)
    await crash()
    expect((await storedNotes({ database })).map(({ state }) => state)).toEqual(['active', 'active', 'active'])
    await database.query(`update pgboss.job set heartbeat_on = now() - interval '1 hour'`)
    await takeOverSilent((looking) => store.recover(looking))

    expect(await drained(bus)).toEqual({ done: 3, failed: 0, dead: 0, snoozed: 0 })
    expect((await storedNotes({ database })).map(({ state, used }) => [state, used])).toEqual(
      Array.from({ length: 3 }, () => ['completed', 1]), // of deliveries that were lost together it is unknown which had begun
    )
  },
  120_000,
)

async function drained(bus: { worker(): { drain(): Promise<unknown> } }): Promise<unknown> {
  return bus.worker().drain()
}

async function each<Value>(values: readonly Value[], act: (value: Value) => Promise<unknown>): Promise<void> {
  for (const value of values) await act(value)
}

function done(delivery: ClaimedDelivery): Settlement {
  return { delivery, is: 'done' }
}

function dead(delivery: ClaimedDelivery): Settlement {
  return { delivery, is: 'dead', reason: 'broken', error: ERROR, onDead: 'continue' }
}

/** One settlement of each kind. */
function outcomes([first, second, third, fourth]: readonly ClaimedDelivery[]): readonly Settlement[] {
  return [
    ...(first ? [done(first)] : []),
    ...(second ? [{ delivery: second, is: 'retry', delayMs: 0, error: ERROR } as const] : []),
    ...(third ? [{ delivery: third, is: 'later', delayMs: 0 } as const] : []),
    ...(fourth ? [dead(fourth)] : []),
  ]
}
