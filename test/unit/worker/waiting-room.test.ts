import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { abortLost, Held, type HeldDelivery } from '../../../src/worker/held.ts'
import { WaitingRoom } from '../../../src/worker/waiting-room.ts'
import { aDelivery } from './a-delivery.ts'

vi.mock('../../../src/clock.ts', () => import('../../support/global-clock.ts'))

let slots: number
let held: Held
let begun: HeldDelivery[]
let putOff: string[]
let left: string[]
let room: WaitingRoom

beforeEach(() => {
  vi.useFakeTimers()
  slots = 2
  held = new Held()
  begun = []
  putOff = []
  left = []
  room = new WaitingRoom({
    held,
    hasSlot: () => held.inHandlers < slots,
    begin: (one) => void begun.push(one),
    putOff: ({ id }) => void putOff.push(id),
    onLeft: ({ id }) => void left.push(id),
  })
})
afterEach(() => vi.useRealTimers())

test('deliveries begin while there are slots, and the others when slots become free, in their order', () => {
  admit('a', 'b', 'c', 'd')
  expect(ids()).toEqual(['a', 'b'])
  expect([room.size, held.size, held.inHandlers]).toEqual([2, 4, 2])

  finish('b')
  expect(ids()).toEqual(['a', 'b', 'c'])
  finish('a')
  finish('c')
  expect(ids()).toEqual(['a', 'b', 'c', 'd'])
  expect([room.size, held.size, held.inHandlers]).toEqual([0, 1, 1])
})

test('one that comes later does not overtake one that waits', () => {
  admit('a', 'b', 'c')
  slots = 3

  admit('d')
  expect(ids()).toEqual(['a', 'b'])
  room.next()
  expect(ids()).toEqual(['a', 'b', 'c'])
})

test('after 100 to 200 ms without a slot, deliveries go back, and are held no more', () => {
  admit('a', 'b', 'c')
  vi.advanceTimersByTime(50)
  admit('d')

  vi.advanceTimersByTime(50)
  expect(putOff).toEqual(['c'])
  vi.advanceTimersByTime(100)
  expect(putOff).toEqual(['c', 'd'])
  expect([room.size, held.size, left]).toEqual([0, 2, ['c', 'd']])
})

test('a stop gives back all that wait, and nothing that has begun', () => {
  admit('a', 'b', 'c', 'd')

  room.giveBack()

  expect(putOff).toEqual(['c', 'd'])
  expect(begun.map(({ phase }) => phase)).toEqual(['running', 'running'])
  expect(held.size).toBe(2)
})

test('one whose claim was lost meanwhile neither begins nor goes back', () => {
  admit('a', 'b', 'c', 'd')
  const [lost] = held.heldSince(Infinity).filter(({ phase }) => phase === 'waiting')
  expect(lost && abortLost(lost)).toBe(true)

  finish('a')
  expect(ids()).toEqual(['a', 'b', 'd'])
  expect(held.size).toBe(2)

  admit('e')
  for (const one of held.heldSince(Infinity)) abortLost(one)
  room.giveBack()
  expect([putOff, left, room.size]).toEqual([[], ['c', 'e'], 0])
})

function admit(...all: readonly string[]): void {
  for (const id of all) room.admit(aDelivery({ id }))
}

function finish(id: string): void {
  const one = begun.find(({ delivery }) => delivery.id === id)
  if (!one) throw new Error(`${id} has not begun.`)
  held.returned(one)
  held.release(one)
  room.next()
}

function ids(): readonly string[] {
  return begun.map(({ delivery }) => delivery.id)
}
