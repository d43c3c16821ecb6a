/** The memory in which the thread of heartbeats finds the claims of a process. */
import { expect, test } from 'vitest'
import { LAYOUT, SharedClaims } from '../../../src/backends/postgres/heartbeats/shared-claims.ts'
import { aDelivery } from '../worker/a-delivery.ts'

const FIRST = '0123abcd-4567-89ef-fedc-ba9876543210'
const SECOND = '00000000-0000-0000-0000-0000000000ff'

test('a claim that is held can be read with its id, queue and time limit', () => {
  const claims = new SharedClaims()

  claims.hold(3, { delivery: claimed(FIRST, 60_000_000_000_017), limitMs: 1_500 })

  expect(heldIn(claims)).toEqual([{ id: FIRST, claim: 60_000_000_000_017, queue: 3, limitMs: 1_500 }])
})

test('a newer claim of the same delivery takes the place of the older one, which cannot release it', () => {
  const claims = new SharedClaims()
  claims.hold(0, { delivery: claimed(FIRST, 1), limitMs: 100 })
  claims.hold(0, { delivery: claimed(FIRST, 2), limitMs: 100 })

  claims.release(0, claimed(FIRST, 1))
  expect(heldIn(claims).map(({ claim }) => claim)).toEqual([2])

  claims.release(0, claimed(FIRST, 2))
  expect(heldIn(claims)).toEqual([])
})

test('two queues can hold deliveries with the same id, and each releases its own', () => {
  const claims = new SharedClaims()
  claims.hold(0, { delivery: claimed(FIRST, 1), limitMs: 100 })
  claims.hold(1, { delivery: claimed(FIRST, 1), limitMs: 100 })
  claims.hold(1, { delivery: claimed(SECOND, 1), limitMs: 100 })

  claims.releaseAll(new Set([0]))

  expect(heldIn(claims).map(({ queue, id }) => [queue, id])).toEqual(expect.arrayContaining([[1, FIRST], [1, SECOND]])) // prettier-ignore
  expect(heldIn(claims)).toHaveLength(2)
})

test('a delivery that was released with its worker gets a place of its own when it is claimed again', () => {
  const claims = new SharedClaims()
  claims.hold(0, { delivery: claimed(FIRST, 1), limitMs: 100 })
  claims.releaseAll(new Set([0]))

  claims.hold(0, { delivery: claimed(FIRST, 2), limitMs: 100 })
  claims.hold(0, { delivery: claimed(SECOND, 3), limitMs: 100 })

  expect(heldIn(claims).map(({ claim }) => claim)).toEqual(expect.arrayContaining([2, 3]))
})

test('released places are used again, so that a process never runs out of them', () => {
  const claims = new SharedClaims()
  for (let claim = 1; claim <= 40_000; claim += 1) {
    claims.hold(0, { delivery: claimed(FIRST, claim), limitMs: 100 })
    if (claim % 2 === 0) claims.release(0, claimed(FIRST, claim))
    else claims.releaseAll(new Set([0]))
  }

  claims.hold(0, { delivery: claimed(SECOND, 7), limitMs: 100 })

  expect(heldIn(claims).map(({ claim }) => claim)).toEqual([7])
})

function claimed(id: string, claim: number) {
  return aDelivery({ id, claim })
}

/** Reads all slots that are not free, as the thread does. */
function heldIn({ memory }: SharedClaims) {
  const numbers = new Float64Array(memory)
  const held = []
  for (let at = LAYOUT.header; at < numbers.length; at += LAYOUT.slot) {
    const claim = numbers[at + LAYOUT.claim]
    if (claim === 0) continue
    const hex = Buffer.from(memory, 8 * (at + LAYOUT.id), 16).toString('hex')
    const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    held.push({ id, claim, queue: numbers[at + LAYOUT.queue], limitMs: numbers[at + LAYOUT.limitMs] })
  }
  return held
}
