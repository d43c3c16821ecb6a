/** The slots of a queue that several tenants share. */
import { expect, test } from 'vitest'
import { SharedSlots, SlotsOfTenants } from '../../../src/worker/shared-slots.ts'

test('one tenant takes at most its share, even if other slots are free', () => {
  const slots = new SharedSlots(10, 4)
  const flood = join(slots, 'flood')

  expect(flood.share.room()).toBe(4)
  flood.taken = 4
  expect(flood.share.room()).toBe(0)
})

test('while others wait, each tenant may take an even part', () => {
  const slots = new SharedSlots(10, 8)
  const [first, second] = [join(slots, 'first'), join(slots, 'second')]
  first.taken = 8
  second.taken = 2
  expect(second.share.room()).toBe(0) // the second tenant now waits

  first.taken = 7
  expect(first.share.othersWait).toBe(true)
  expect(first.share.room()).toBe(0) // its part is five
  expect(second.share.room()).toBe(1)
  second.taken = 3
  first.taken = 5
  second.taken = 5
  expect([first.share.room(), second.share.room()]).toEqual([0, 0])
})

test('with fewer slots than tenants, each tenant’s part is one', () => {
  const slots = new SharedSlots(1, 1)
  const [first, second] = [join(slots, 'first'), join(slots, 'second')]
  first.taken = 1
  expect(second.share.room()).toBe(0)

  first.taken = 0
  expect(second.share.room()).toBe(1)
})

test('waiting tenants are woken in turn, even if one of them does not ask', () => {
  const slots = new SharedSlots(2, 2)
  const holder = join(slots, 'holder')
  holder.taken = 2
  const waiting = ['a', 'b', 'c'].map((name) => join(slots, name))
  for (const { share } of waiting) expect(share.room()).toBe(0)

  holder.share.released()
  expect(woken(waiting)).toEqual([]) // no slot is free yet
  holder.taken = 1
  for (let times = 0; times < 4; times += 1) holder.share.released()

  expect(waiting.map(({ woken: times }) => times)).toEqual([2, 1, 1])
})

test('a tenant that has left is not woken, and its slots count until they are free', () => {
  const slots = new SharedSlots(2, 2)
  const [leaving, staying] = [join(slots, 'leaving'), join(slots, 'staying')]
  leaving.taken = 2
  expect(staying.share.room()).toBe(0)
  expect(leaving.share.room()).toBe(0) // the leaving tenant waits too
  leaving.share.leave()
  expect(leaving.share.room()).toBe(0)
  expect(leaving.share.othersWait).toBe(true)
  expect(staying.share.othersWait).toBe(false) // the leaving tenant no longer waits

  expect(staying.share.room()).toBe(0)
  leaving.taken = 1
  staying.share.released()
  expect([staying.woken, leaving.woken]).toEqual([1, 0])
  expect(staying.share.room()).toBe(1)

  leaving.taken = 0
  expect(staying.share.room()).toBe(2)
  leaving.taken = 2 // no longer counts
  expect(staying.share.room()).toBe(2)
})

test('all tenants share the slots of a queue, and one takes at most half of them by default', () => {
  expect(
    new SlotsOfTenants()
      .of('events', 5)
      .join({ taken: () => 0, wake: () => undefined })
      .room(),
  ).toBe(3)
  expect(new SlotsOfTenants(2).mostOfOne(5)).toBe(2)
  expect(new SlotsOfTenants(20).mostOfOne(5)).toBe(5)
  const slots = new SlotsOfTenants()
  expect(slots.of('events', 5)).toBe(slots.of('events', 5))
  expect(slots.of('other', 5)).not.toBe(slots.of('events', 5))
})

interface Member {
  readonly name: string
  taken: number
  woken: number
  readonly share: ReturnType<SharedSlots['join']>
}

function join(slots: SharedSlots, name: string): Member {
  const state = { taken: 0, woken: 0 }
  const share = slots.join({ taken: () => state.taken, wake: () => void (state.woken += 1) })
  return Object.assign(state, { name, share })
}

function woken(members: readonly Member[]): readonly string[] {
  return members.filter(({ woken: times }) => times > 0).map(({ name }) => name)
}
