import { expect, test } from 'vitest'
import type { Claimed } from '../../../src/deliveries/delivery.ts'
import { HandlerSlots } from '../../../src/worker/handler-slots.ts'
import { LimitedClaims } from '../../../src/worker/limited-claims.ts'

const NOTHING: Claimed = { deliveries: [], more: false, heldBack: [], lookAgain: false }

test('a claim gets the number of free slots, and no other claim of the same slots runs beside it', async () => {
  const slots = new HandlerSlots(new Map([['mail.send', { perProcess: 2, cluster: 5 }]]))
  const first = Promise.withResolvers<Claimed>()
  const told: (number | null)[] = []
  const note = (free: number | null = -1) => void told.push(free)

  const one = slots.claim(async ([room]) => {
    note(room?.free)
    await first.promise
    slots.take('mail.send')
  })
  const other = slots.claim(async ([room]) => note(room?.free))
  await Promise.resolve()
  const toldAtOnce = [...told]
  first.resolve(NOTHING)
  await Promise.all([one, other])

  expect([toldAtOnce, told]).toEqual([[2], [2, 1]])
})

test('a failed claim does not block the next one', async () => {
  const slots = new HandlerSlots(new Map([['mail.send', { perProcess: 1 }]]))

  const failed = slots.claim(() => Promise.reject(new Error('the database is away')))
  const next = slots.claim(async (rooms) => rooms)

  await expect(failed).rejects.toThrow('the database is away')
  expect(await next).toEqual([{ handler: 'mail.send', free: 1, cluster: null }])
})

test('without limits a claim gets no numbers and waits for nothing', async () => {
  const slots = new HandlerSlots(new Map())
  void slots.claim(() => new Promise(() => undefined))

  expect(await slots.claim(async (rooms) => rooms)).toEqual([])
})

test('a slot that becomes free wakes only claimers that left a delivery waiting for it', async () => {
  const { slots, claims, woken } = aQueue()
  await claims.claim(async () => ({ ...NOTHING, heldBack: ['mail.send'] }))

  slots.release('mail.archive')
  const before = woken()
  slots.release('mail.send')

  expect([before, woken()]).toEqual([0, 1])
})

test('a slot that becomes free during a claim causes another claim', async () => {
  const { slots, claims, woken } = aQueue()

  await claims.claim(async () => {
    slots.release('mail.send')
    return { ...NOTHING, heldBack: ['mail.send'] }
  })
  const afterTheFirst = claims.mayClaimMore
  await claims.claim(async () => ({ ...NOTHING, heldBack: ['mail.send'] }))

  expect([afterTheFirst, claims.mayClaimMore, woken()]).toEqual([true, false, 0])
})

test('the settle of an attempt matters only for a cluster limit', async () => {
  const { slots, claims, woken } = aQueue()
  await claims.claim(async () => ({ ...NOTHING, heldBack: ['mail.send', 'mail.archive'] }))

  slots.settled('mail.send')
  const without = woken()
  slots.settled('mail.archive')

  expect([without, woken()]).toEqual([0, 1])
})

function aQueue() {
  const slots = new HandlerSlots(
    new Map([
      ['mail.send', { perProcess: 1 }],
      ['mail.archive', { cluster: 1 }],
    ]),
  )
  let wakeUps = 0
  const claims = new LimitedClaims(slots, () => void (wakeUps += 1))
  slots.take('mail.send')
  slots.take('mail.archive')
  return { slots, claims, woken: () => wakeUps }
}
