/** `transactional: true`: the writes of a handler, the events that it publishes, and the end of its delivery are one commit. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { awaitCompletion, discard, failed, skip, snooze } from '../../src/index.ts'
import type { TestBus } from '../support/bus.ts'
import {
  busWith,
  effects,
  emptyEffects,
  heartbeat,
  left,
  openEffects,
  storedEvents,
  type Does,
} from '../support/effects.ts'
import { NoteTaken } from '../support/notes.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openEffects()
  return () => opened.close()
})

beforeEach(() => emptyEffects())

describe.each([
  ['without a key', null],
  ['in a lane', 'a'],
])('%s', (_, key) => {
  const note = (n: number) => NoteTaken({ n, key })

  test('a done delivery commits with its effects and its published events, each once, in order', async () => {
    await using bus = busWith((n, { publish }) => (n === 2 ? publish(NoteTaken({ n: 20 })) : undefined))
    await bus.publish([note(1), note(2), note(3)])

    const counts = await bus.worker().drain()

    expect(counts).toMatchObject({ done: 4, failed: 0, dead: 0 })
    expect((await effects()).toSorted()).toEqual(['1/1', '2/1', '20/1', '3/1'].toSorted())
    expect(await left()).toEqual({ deliveries: 0, completions: 0 })
  })

  test.each<[string, () => unknown, object]>([
    ['what it throws', () => Promise.reject(new Error('no')), { failed: 1 }],
    ['failed', () => failed('no'), { failed: 1 }],
    ['discard', () => discard('no'), { dead: 1 }],
    ['snooze', () => snooze({ hours: 1 }), { snoozed: 1 }],
    ['to wait for the end, which fails,', () => awaitCompletion({ timeoutMs: 1_000 }), { failed: 1 }],
  ])('%s rolls its effects back', async (_what, end, counted) => {
    await using bus = busWith((_n, { publish }) => publish(NoteTaken({ n: 20 })).then(end))
    await bus.publish(note(1))

    expect(await bus.worker().drain()).toMatchObject({ done: 0, ...counted })
    expect([await effects(), await storedEvents()]).toEqual([[], 1])
  })

  test('skip commits, and records its reason', async () => {
    await using bus = busWith(() => skip('nothing to do'))
    const event = note(1)
    await bus.publish(event)

    expect(await bus.worker().drain()).toMatchObject({ done: 1 })
    expect(await bus.events.status(event.id)).toMatchObject({ deliveries: [{ state: 'skipped' }] })
    expect(await left()).toEqual({ deliveries: 0, completions: 0 })
  })

  test('if the claim is lost while the handler runs, its effects are rolled back, and the next attempt commits them once', async () => {
    const first = Promise.withResolvers<void>()
    await using bus = busWith(async (_n, { attempt }) => {
      if (attempt > 1) return
      await opened.database.query(
        `update pgboss.job set state = 'retry', started_on = null, heartbeat_on = null, retry_count = 1`,
      )
      first.resolve()
    })
    await bus.publish(note(1))

    await bus.worker().drain()
    await first.promise

    expect(await effects()).toEqual(['1/2'])
    expect(await left()).toEqual({ deliveries: 0, completions: 0 })
  })

  test('a committed delivery that was not settled does not run again', async () => {
    await using bus = busWith(() => undefined)
    const event = note(1)
    await bus.publish(event)
    const worker = bus.worker()
    await opened.database.query(`insert into postbus.completion (delivery) select id from pgboss.job`)

    expect(await worker.drain()).toMatchObject({ done: 1, failed: 0 })
    expect([await effects(), await left()]).toEqual([[], { deliveries: 0, completions: 0 }])
  })

  test('an attempt after the last one first checks whether the last one has committed', async () => {
    await using bus = busWith(() => undefined, { maxAttempts: 1 })
    await bus.publish(note(1))
    await opened.database.query(`update pgboss.job set state = 'retry', retry_count = 1, started_on = now()`)
    await opened.database.query(`insert into postbus.completion (delivery) select id from pgboss.job`)

    expect(await bus.worker().drain()).toMatchObject({ done: 1, dead: 0 })
  })

  test.each(['repeatable read', 'serializable'])(
    'under %s the claim is checked on a connection of the bus',
    async (isolation) => {
      let loses = true
      const does: Does = async (n) => {
        await heartbeat() // changes the row of the delivery, after the transaction has its snapshot
        if (n === 2 && loses)
          await opened.database.query(`update pgboss.job set started_on = now() where state = 'active'`)
      }
      await using bus = busWith(does, {}, { isolation })
      await bus.publish(note(1))
      expect(await bus.worker().drain()).toMatchObject({ done: 1, failed: 0 })

      await bus.publish(note(2))
      await bus.worker().drain()
      expect(await effects()).toEqual(['1/1'])

      loses = false
      await opened.database.query(
        `update pgboss.job set state = 'retry', heartbeat_on = null, started_on = null, start_after = now()`,
      )
      await bus.worker().drain()
      expect(await effects()).toEqual(['1/1', '2/1'])
    },
  )
})
