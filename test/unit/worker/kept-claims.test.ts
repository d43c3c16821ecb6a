/** A worker's treatment of claims whose answer it reads late, because its event loop stood still. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ClaimedDelivery, Settlement } from '../../../src/deliveries/delivery.ts'
import type { DeliveryStore } from '../../../src/deliveries/delivery-store.ts'
import { KeptClaims } from '../../../src/worker/kept-claims.ts'
import { aDelivery } from './a-delivery.ts'

vi.mock('../../../src/clock.ts', () => import('../../support/global-clock.ts'))

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

test('claims that were taken over before their answer was read do not begin, and use no attempt', async () => {
  const { kept, settled, held } = keeping({ takesMs: 12_000, ours: ['a', 'c'] })

  const { deliveries } = await late(kept.store.claim('events', 3))

  expect(deliveries.map(({ id }) => id)).toEqual(['a', 'c'])
  expect(held).toEqual(['a', 'c'])
  expect(settled.map(({ is, delivery }) => [is, delivery.id])).toEqual([['later', 'b']])
})

test('claims whose answer comes in time are not checked again', async () => {
  const { kept, held, settled } = keeping({ takesMs: 500, ours: [] })

  const { deliveries } = await late(kept.store.claim('events', 3))

  expect(deliveries).toHaveLength(3)
  expect(held).toEqual(['a', 'b', 'c'])
  expect(settled).toEqual([])
  expect(kept.held.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
})

test('after the event loop stood still, finished attempts are settled before the next claim', async () => {
  const { kept, claimedAt } = keeping({ takesMs: 0, ours: [] })
  kept.pulse()
  await late(kept.store.claim('events', 3))

  const wakesAt = performance.now()
  kept.pulse() // 20 s after the previous pulse
  await late(kept.store.claim('events', 3))

  expect((claimedAt[1] ?? 0) - wakesAt).toBe(250)
})

test('a settled delivery is no longer held, but the next one in its lane is', async () => {
  const { kept, released } = keeping({ takesMs: 0, ours: [] })
  const { deliveries } = await late(kept.store.claim('events', 3))

  await late(kept.store.settle('events', [{ is: 'done', delivery: deliveries[0]! }]))

  expect(released).toEqual(['a'])
  expect(kept.held.map(({ id }) => id)).toEqual(['b', 'c', 'next of a'])
})

async function late<Result>(work: Promise<Result>): Promise<Result> {
  await vi.advanceTimersByTimeAsync(20_000)
  return work
}

function keeping({ takesMs, ours }: { takesMs: number; ours: readonly string[] }) {
  const settled: Settlement[] = []
  const held: string[] = []
  const released: string[] = []
  const claimedAt: number[] = []
  const pause = () => new Promise((resolve) => void setTimeout(resolve, takesMs))
  const store = {
    async claim() {
      claimedAt.push(performance.now())
      await pause()
      const deliveries = ['a', 'b', 'c'].map((id) => aDelivery({ id }))
      return { deliveries, more: false, heldBack: [], lookAgain: false }
    },
    async settle(_: string, settlements: readonly Settlement[]) {
      settled.push(...settlements)
      const next = new Map<string, ClaimedDelivery>(
        settlements.map(({ delivery: { id } }) => [id, aDelivery({ id: `next of ${id}` })]),
      )
      return {
        ours: new Set(settlements.map(({ delivery }) => delivery.id)),
        next,
        behind: new Map(),
        cut: new Set<string>(),
        more: false,
      }
    },
    keep: async () => new Set(ours),
  } as unknown as DeliveryStore
  const heartbeats = {
    hold: (claims: readonly { delivery: ClaimedDelivery }[]) => void held.push(...claims.map((one) => one.delivery.id)),
    release: (deliveries: readonly ClaimedDelivery[]) => void released.push(...deliveries.map(({ id }) => id)),
    pulse: () => undefined,
    stop: async () => undefined,
  }
  return { kept: new KeptClaims({ store, heartbeats, limitMs: () => 0 }), settled, held, released, claimedAt }
}
