/** A replay delivers stored events to one handler again: in order, in their lanes, and to no other handler. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { defineHandler, failed } from '../../src/index.ts'
import { drained } from '../support/drained.ts'
import { NoteTaken } from '../support/notes.ts'
import { numbers, openStoredEvents, type StoredEvents } from '../support/stored-events.ts'
import { until } from '../support/until.ts'

let stored: StoredEvents

beforeAll(async () => {
  stored = await openStoredEvents()
})

afterEach(() => stored.tidy())

afterAll(() => stored.close())

test('a handler gets its events again in the order of publishing, marked as a replay; other handlers get nothing', async () => {
  const bus = stored.busWith([stored.noting(), stored.noting('notes.mail', { queue: 'mail' })])
  await stored.publish(bus, numbers(5))
  await drained(bus)
  expect(stored.took()).toEqual(numbers(5))

  const replay = await bus.replay({ handler: 'notes.take' }, { by: 'ada', reason: 'a new index' })
  const end = await replay.done

  expect(end).toMatchObject({ state: 'done', matching: 5, examined: 5, count: 5, skipped: 0, waiting: 5, by: 'ada' })
  await drained(bus)
  expect(stored.ran.map(({ n, isReplay, replayId }) => ({ n, isReplay, replayId }))).toEqual(
    numbers(5).map((n) => ({ n, isReplay: true, replayId: replay.id })),
  )
  expect(await replay.progress()).toMatchObject({ waiting: 0, remainingMs: 0 })
  expect(stored.took('notes.mail')).toEqual([])
})

test('a first delivery is not marked as a replay; a retry of a replayed delivery is', async () => {
  const bus = stored.busWith([
    stored.noting('notes.take', { backoff: { initialMs: 0 } }, () => stored.ran.length === 2 && failed('not now')),
  ])
  await stored.publish(bus, [1], null)
  await drained(bus)

  const replay = await bus.replay({ handler: 'notes.take' })
  await replay.done
  await drained(bus)

  expect(stored.ran).toMatchObject([
    { attempt: 1, isReplay: false, replayId: null },
    { attempt: 1, isReplay: true, replayId: replay.id },
    { attempt: 2, isReplay: true, replayId: replay.id },
  ])
})

test('it replays the events that match types, times, keys, and a function of the event', async () => {
  const bus = stored.busWith([stored.noting()])
  await stored.publish(bus, [1, 2], 'one')
  await stored.publish(bus, [3, 4], 'two')
  await drained(bus)
  await stored.database.query(
    `update postbus.event set published_at = timestamptz '2026-05-01 00:00Z' + (payload -> 'json' ->> 'n')::integer * interval '1 day'`,
  )
  const replayed = async (query: object) => {
    stored.took()
    await (
      await bus.replay({ handler: 'notes.take', ...query })
    ).done
    await drained(bus)
    return stored.took()
  }

  expect(await replayed({ since: new Date('2026-05-03'), until: new Date('2026-05-05') })).toEqual([2, 3])
  expect(await replayed({ partitionKeys: ['two'] })).toEqual([3, 4])
  expect(
    await replayed({ types: ['notes.*'], where: ({ data }: { data: { n: number } }) => data.n % 2 === 0 }),
  ).toEqual([2, 4])
  expect(await replayed({ types: [NoteTaken], partitionKeys: ['one', 'three'] })).toEqual([1, 2])
  expect(await replayed({ types: ['orders.*'] })).toEqual([])
})

test('the handler’s `interested` is asked again', async () => {
  const old = stored.busWith([stored.noting()])
  await stored.publish(old, numbers(4))
  await drained(old)
  stored.took()
  const handler = Object.assign(stored.noting(), { interested: ({ data }: { data: { n: number } }) => data.n > 2 })
  const bus = stored.busWith([handler])

  expect(await bus.replay({ handler: 'notes.take', dryRun: true })).toEqual({
    count: 2,
    retried: 0,
    skipped: 0,
    matching: 4,
  })
  await (
    await bus.replay({ handler: 'notes.take' })
  ).done
  await drained(bus)

  expect(stored.took()).toEqual([3, 4])
})

test('waiting and running deliveries are skipped, or the replay is refused, and nothing is delivered twice', async () => {
  const bus = stored.busWith([stored.noting()])
  await stored.publish(bus, [1, 2])
  await drained(bus)
  await stored.publish(bus, [3, 4])
  stored.took()

  await expect(bus.replay({ handler: 'notes.take', pending: 'refuse' })).rejects.toMatchObject({
    code: 'POSTBUS_REPLAY_PENDING',
    message: expect.stringContaining('2 of these deliveries'),
  })
  expect(await bus.replay({ handler: 'notes.take', dryRun: true })).toMatchObject({ count: 2, skipped: 2 })
  const end = await (await bus.replay({ handler: 'notes.take' })).done

  expect(end).toMatchObject({ count: 2, skipped: 2 })
  await drained(bus)
  expect(stored.took()).toEqual([1, 2, 3, 4])
})

test.each(['continue', 'block'] as const)(
  'an open dead letter is retried with all its attempts: onDead %s',
  async (onDead) => {
    let fails = true
    const bus = stored.busWith([
      stored.noting(
        'notes.take',
        { maxAttempts: 2, onDead, backoff: { initialMs: 0 } },
        (n) => n === 2 && fails && failed('no'),
      ),
    ])
    await stored.publish(bus, [1, 2, 3])
    await drained(bus)
    expect(await bus.deadLetters.count()).toBe(1)
    fails = false
    stored.took()

    const end = await (
      await bus.replay({ handler: 'notes.take', where: ({ data }) => (data as { n: number }).n === 2 })
    ).done

    expect(end).toMatchObject({ count: 1, retried: 1 })
    expect(await bus.deadLetters.count()).toBe(0)
    await until('it is due, and has run', async () => (await drained(bus)).done > 0)
    expect(stored.ran[0]).toMatchObject({ n: 2, attempt: 1, isReplay: true })
    expect(stored.took()).toEqual(onDead === 'block' ? [2, 3] : [2])
  },
)

test('a replayed event runs in its lane before live ones that still wait', async () => {
  const bus = stored.busWith([stored.noting()])
  await stored.publish(bus, [1, 2])
  await drained(bus)
  await stored.publish(bus, [3, 4])
  stored.took()

  await (
    await bus.replay({ handler: 'notes.take' })
  ).done
  await drained(bus)

  expect(stored.took()).toEqual([1, 2, 3, 4])
})

test('a renamed handler gets its events again under any of its names, with their old delivery ids', async () => {
  const before = stored.busWith([stored.noting()])
  await stored.publish(before, [1, 2])
  await drained(before)
  const bus = stored.busWith([
    defineHandler('notes.index', {
      previousNames: ['notes.take'],
      on: NoteTaken,
      handle: ({ data }, { isReplay, replayId, attempt }) =>
        void stored.ran.push({ handler: 'notes.index', n: data.n, isReplay, replayId, attempt }),
    }),
  ])

  const replay = await bus.replay({ handler: 'notes.index' })
  const end = await replay.done
  const again = await bus.replay({ handler: 'notes.take', dryRun: true })

  expect(end).toMatchObject({ handler: 'notes.index', count: 2 })
  expect(again).toMatchObject({ count: 0, skipped: 2 })
  expect(await bus.replays.get(replay.id)).toMatchObject({ handler: 'notes.index' })
  stored.took()
  await drained(bus)
  expect(stored.took('notes.index')).toEqual([1, 2])
})

test('bad input is refused before anything is replayed, with a code', async () => {
  const bus = stored.busWith([stored.noting()])

  const wrong: readonly [object, string][] = [
    [{ handler: 'notes.nobody' }, 'POSTBUS_UNKNOWN_HANDLER'],
    [{ handler: 'notes.take', sinse: new Date() }, 'POSTBUS_INVALID_OPTIONS'],
    [{ handler: 'notes.take', since: undefined }, 'POSTBUS_INVALID_OPTIONS'],
    [{ handler: 'notes.take', types: [] }, 'POSTBUS_INVALID_OPTIONS'],
    [{ handler: 'notes.take', types: ['Not A Pattern'] }, 'POSTBUS_INVALID_OPTIONS'],
    [{ handler: 'notes.take', ratePerSecond: 0 }, 'POSTBUS_INVALID_OPTIONS'],
    [{ handler: 'notes.take', where: 'n > 1' }, 'POSTBUS_INVALID_OPTIONS'],
  ]
  for (const [query, code] of wrong)
    await expect(bus.replay(query as { handler: string })).rejects.toMatchObject({ code })
  await expect(bus.replays.resume('01900000-0000-7000-8000-000000000001')).rejects.toMatchObject({
    code: 'POSTBUS_NO_SUCH_REPLAY',
  })
  await expect(bus.replays.get('x')).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
  expect(await bus.replays.list()).toEqual([])
})

test('erased events are skipped, and a replay, its pauses and its end are recorded as acts', async () => {
  const bus = stored.busWith([stored.noting()])
  const {
    events: [first],
  } = await stored.publish(bus, numbers(3))
  await drained(bus)
  stored.took()
  await bus.events.redact(first?.id ?? '')

  const replay = await bus.replay({ handler: 'notes.take', ratePerSecond: 1 }, { by: 'ada' })
  await bus.replays.pause(replay.id, { by: 'bob', reason: 'too soon' })
  const end = await (await bus.replays.resume(replay.id, { by: 'bob' })).done
  await drained(bus)

  expect(end).toMatchObject({ matching: 3, count: 2 })
  expect(stored.took()).toEqual([2, 3])
  expect(await bus.deadLetters.count()).toBe(0)
  const { acts } = await bus.acts.list()
  expect(acts.map(({ act, by, reason, count }) => ({ act, by, reason, count }))).toEqual([
    { act: 'replays.resume', by: 'bob', reason: null, count: 1 },
    { act: 'replays.pause', by: 'bob', reason: 'too soon', count: 1 },
    { act: 'replay', by: 'ada', reason: null, count: 3 },
    { act: 'events.redact', by: null, reason: null, count: 1 },
  ])
  await expect(bus.replays.pause(replay.id)).rejects.toMatchObject({ code: 'POSTBUS_REPLAY_ENDED' })
  expect((await bus.acts.list()).acts).toHaveLength(4)
})
