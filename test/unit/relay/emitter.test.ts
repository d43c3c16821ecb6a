/** Relays to emitters of this process: Node's EventEmitter and EventEmitter2. */
import { EventEmitter } from 'node:events'
import eventemitter2 from 'eventemitter2'
import { describe, expect, test } from 'vitest'
import { defineRelay, emitterTarget, type Emitter, type EmitterOptions } from '../../../src/relay/index.ts'
import { runEvent } from '../../../src/testing/index.ts'
import { NoteTaken } from '../../support/notes.ts'

interface Listening extends Emitter {
  on(name: string, listener: (...values: unknown[]) => unknown): unknown
  once(name: string, listener: (...values: unknown[]) => unknown): unknown
}

describe.each([
  ['an EventEmitter', () => new EventEmitter() as Listening],
  ['an EventEmitter2', () => new eventemitter2.EventEmitter2({ wildcard: true }) as unknown as Listening],
])('%s', (_, make) => {
  test('all listeners get the event, and are awaited', async () => {
    const emitter = make()
    const heard: unknown[] = []
    emitter.on('notes.note-taken', (event) => void heard.push(event))
    emitter.on('notes.note-taken', async (event) => {
      await new Promise((resolve) => setImmediate(resolve))
      heard.push(event)
    })
    emitter.once('notes.note-taken', () => void heard.push('once'))
    const event = NoteTaken({ n: 1 })

    expect(await relayed(emitter, event)).toMatchObject({ state: 'processed' })
    expect(heard).toHaveLength(3)
    expect(heard.filter((one) => one !== 'once')).toMatchObject([{ id: event.id, data: { n: 1 } }, { id: event.id }])

    await relayed(emitter, event)
    expect(heard).toHaveLength(5)
  })

  test.each([
    ['throws', () => fail()],
    ['rejects', async () => fail()],
  ])('a listener that %s is a failed attempt', async (__, listener) => {
    const emitter = make()
    emitter.on('notes.note-taken', listener)

    expect(await relayed(emitter, NoteTaken({ n: 1 }))).toMatchObject({ state: 'failed', reason: 'no' })
  })

  test('the attempt ends when all listeners have ended, even if one fails', async () => {
    const emitter = make()
    let ended = 0
    const takesLonger = async () => {
      await new Promise((resolve) => setImmediate(resolve))
      ended += 1
    }
    emitter.on('notes.note-taken', takesLonger)
    emitter.on('notes.note-taken', fail)
    emitter.on('notes.note-taken', async () => fail())
    emitter.on('notes.note-taken', takesLonger)

    expect(await relayed(emitter, NoteTaken({ n: 1 }))).toMatchObject({ state: 'failed', reason: 'no' })
    expect(ended).toBe(2)
  })

  test('a listener that is called once does not keep the next listener from its call', async () => {
    const emitter = make()
    const heard: string[] = []
    emitter.once('notes.note-taken', () => void heard.push('once'))
    emitter.on('notes.note-taken', () => void heard.push('always'))

    await relayed(emitter, NoteTaken({ n: 1 }))

    expect(heard).toEqual(['once', 'always'])
  })

  test('without a listener the event is skipped', async () => {
    expect(await relayed(make(), NoteTaken({ n: 1 }))).toEqual({
      state: 'skipped',
      reason: 'nothing listens to notes.note-taken',
    })
  })

  test('the relay can choose the name and the values of the emitted event', async () => {
    const emitter = make()
    const heard: unknown[] = []
    emitter.on('note', (...values) => void heard.push(values))

    await relayed(emitter, NoteTaken({ n: 7 }), { eventName: () => 'note', values: ({ id, data }) => [data, id] })

    expect(heard).toEqual([[{ n: 7, key: null }, expect.any(String)]])
  })
})

test('an EventEmitter2 calls listeners with wildcards, listeners for all events, and listeners for a limited number of calls', async () => {
  const emitter = new eventemitter2.EventEmitter2({ wildcard: true })
  const heard: unknown[] = []
  emitter.on('notes.*', function (this: { event: string }) {
    heard.push(this.event)
  })
  emitter.onAny((name, event) => void heard.push(name, event.data.n))
  emitter.many('notes.**', 1, (event) => void heard.push(event.data.n))

  await relayed(emitter, NoteTaken({ n: 1 }))
  await relayed(emitter, NoteTaken({ n: 2 }))

  const byName = 'notes.note-taken'
  expect(heard).toEqual([byName, 1, byName, 1, byName, 2, byName])
})

test('a listener for all events of an EventEmitter2 may remove itself, and the next one is called too', async () => {
  const emitter = new eventemitter2.EventEmitter2()
  const heard: string[] = []
  const first = () => {
    heard.push('first')
    emitter.offAny(first)
  }
  emitter.onAny(first)
  emitter.onAny(() => void heard.push('second'))

  await relayed(emitter, NoteTaken({ n: 1 }))

  expect(heard).toEqual(['first', 'second'])
})

test('an EventEmitter2 without wildcards works too', async () => {
  const emitter = new eventemitter2.EventEmitter2()
  const heard: unknown[] = []
  emitter.once('notes.note-taken', (event) => void heard.push(event.data.n))

  await relayed(emitter, NoteTaken({ n: 1 }))

  expect(heard).toEqual([1])
  expect(await relayed(emitter, NoteTaken({ n: 2 }))).toMatchObject({ state: 'skipped' })
})

test('a value that is not an emitter is refused', () => {
  expect(() => emitterTarget({})).toThrowError(expect.objectContaining({ code: 'POSTBUS_INVALID_OPTIONS' }))
})

function relayed(emitter: Emitter, event: ReturnType<typeof NoteTaken>, options?: EmitterOptions) {
  return runEvent(defineRelay('notes.emit', { on: NoteTaken, to: emitterTarget(emitter, options) }), event)
}

function fail(): never {
  throw new Error('no')
}
