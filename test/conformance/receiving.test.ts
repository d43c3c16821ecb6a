/** Messages from outside: each becomes its event once, in every backend, however often and however concurrently it comes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBus, defineSource, type Bus, type Envelope } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { inTransaction } from '../support/in-transaction.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'

interface Message {
  readonly id: string
  readonly notes: readonly number[]
}

const letters = defineSource('letters', {
  id: ({ id }: Message) => id,
  event: ({ notes }) => notes.map((n) => NoteTaken({ n })),
})
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({ handlers: [handlerThat(() => undefined)] })
  await opened.database.query('create table effects (id text)')
})

afterAll(() => opened.close())

describe.each(['postgres', 'inline', 'mailbox'] as const)('%s', (backend) => {
  let bus: Bus

  beforeAll(() => {
    bus = createBus({
      connectionString: opened.connectionString,
      handlers: [handlerThat(() => undefined)],
      ...(backend !== 'postgres' && { backend }),
      onSignal: () => undefined,
    })
    return () => bus.close()
  })

  test('a message that comes again is a duplicate, and has the same event', async () => {
    const message = { id: `again on ${backend}`, notes: [1] }

    const first = await bus.receive(letters, message)
    const again = await bus.receive(letters, message)

    expect(first).toMatchObject({ is: 'new', events: [{ deliveries: 1, duplicate: false }] })
    expect(again).toMatchObject({ is: 'duplicate', events: [{ id: first.events[0]!.id, duplicate: true }] })
  })

  test('a message may be several events, or none', async () => {
    const several = await bus.receive(letters, { id: `several on ${backend}`, notes: [1, 2] })

    expect(several.is).toBe('new')
    expect(new Set(several.events.map(({ id }) => id)).size).toBe(2)
    expect(await bus.receive(letters, { id: 'none', notes: [] })).toEqual({ is: 'ignored', events: [] })
  })
})

test('the event says where it came from, and messages of one id from two sources are two', async () => {
  const others = defineSource('other-letters', letters)
  const message = { id: 'the same', notes: [1] }

  const ids = [await opened.bus.receive(letters, message), await opened.bus.receive(others, message)].map(
    ({ events }) => events[0]!.id,
  )
  const found = await Promise.all(ids.map((id) => opened.bus.events.get(id)))

  expect(found.map((event) => event?.source)).toEqual(['letters', 'other-letters'])
})

test('of ten at the same moment one is new, and what is written because of it is there once', async () => {
  const message = { id: 'at once', notes: [1] }

  const received = await Promise.all(
    Array.from({ length: 10 }, () =>
      inTransaction(opened.database, 'begin', async (tx) => {
        const { is } = await opened.bus.receive(letters, message, { tx })
        if (is === 'new') await tx.query(`insert into effects values ('at once')`)
        return is
      }),
    ),
  )

  expect(received.toSorted()).toEqual([...Array.from({ length: 9 }, () => 'duplicate'), 'new'])
  const { rows } = await opened.database.query('select id from effects')
  expect(rows).toEqual([{ id: 'at once' }])
})

test('when its transaction rolls back, the message is new the next time', async () => {
  const message = { id: 'rolled back', notes: [1] }
  const failing = inTransaction(opened.database, 'begin', async (tx) => {
    await opened.bus.receive(letters, message, { tx })
    throw new Error('the effect failed')
  })

  await expect(failing).rejects.toThrow('the effect failed')
  expect((await opened.bus.receive(letters, message)).is).toBe('new')
})

test.each([
  ['a name', () => defineSource('No Name', letters), 'Source name "No Name" is not allowed'],
  ['a function', () => defineSource('letters', { id: letters.id } as never), 'expected `event` to be a function'],
])('a source without %s is refused', (_, define, problem) => {
  expect(define).toThrow(expect.objectContaining({ code: 'POSTBUS_INVALID_SOURCE' }))
  expect(define).toThrow(problem)
})

test.each([
  ['no id', { id: () => undefined as unknown as string }],
  ['an empty id', { id: () => '' }],
  ['no event', { event: () => 42 as unknown as Envelope }],
])('a message of which its source makes %s is refused, and nothing is stored', async (_, wrong) => {
  const source = defineSource('wrong', { ...letters, ...wrong })

  const receiving = opened.bus.receive(source, { id: 'wrong', notes: [1] })

  await expect(receiving).rejects.toMatchObject({ code: 'POSTBUS_INVALID_SOURCE' })
})
