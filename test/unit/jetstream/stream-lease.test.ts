/** One worker at a time has the lease. It keeps the lease by heartbeats, and loses it when the heartbeats stop. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { RelayLease, RelayStore } from '../../../src/deliveries/log-engine.ts'
import { StreamLease } from '../../../src/jetstream/stream-lease.ts'

vi.mock('../../../src/clock.ts', () => import('../../support/global-clock.ts'))

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

test('the first worker gets the lease, and keeps it', async () => {
  const { lease } = aStream()
  const [first, second] = [lease(), lease()]
  await rounds(20, first, second)

  expect([first.isOurs, second.isOurs]).toEqual([true, false])
})

test('when the owner leaves, another worker gets the lease at once', async () => {
  const { lease } = aStream()
  const [first, second] = [lease(), lease()]
  await rounds(1, first, second)
  await first.leave()
  await rounds(1, second)

  expect([first.isOurs, second.isOurs]).toEqual([false, true])
})

test('an owner without heartbeats for 8 s loses the lease, and learns it with its next heartbeat', async () => {
  const { lease } = aStream()
  const [first, second] = [lease(), lease()]
  await rounds(3, first, second)
  await rounds(7, second)
  expect(second.isOurs).toBe(false)
  await rounds(2, second)
  expect(second.isOurs).toBe(true)
  await first.beat()

  expect(first.isOurs).toBe(false)
})

test('a worker that may not take the lease leaves it free', async () => {
  const { lease } = aStream()
  const first = lease()
  await first.beat({ mayTake: false })
  expect(first.isOurs).toBe(false)
  await first.beat()
  expect(first.isOurs).toBe(true)
})

test('when two workers find the owner silent, one of them gets the lease', async () => {
  const { lease } = aStream()
  const [first, second, third] = [lease(), lease(), lease()]
  await rounds(1, first, second, third)
  await rounds(12, second, third)

  expect([second.isOurs, third.isOurs].filter(Boolean)).toHaveLength(1)
})

async function rounds(count: number, ...leases: readonly StreamLease[]): Promise<void> {
  for (let round = 0; round < count; round += 1) {
    await Promise.all(leases.map((lease) => lease.beat()))
    vi.advanceTimersByTime(1_000)
  }
}

/** A row of `log_stream`, as the database would change it. */
function aStream() {
  let row: RelayLease = { id: 'id', owner: null, beat: 0, life: null, serverLife: null }
  const relays = {
    async beat(_stream: string, me: string) {
      if (row.owner === me) row = { ...row, beat: row.beat + 1 }
      return row
    },
    async take(_stream: string, me: string, seen: RelayLease) {
      if (row.owner !== seen.owner || row.beat !== seen.beat) return false
      row = { ...row, owner: me, beat: row.beat + 1 }
      return true
    },
    async leave(_stream: string, me: string) {
      if (row.owner === me) row = { ...row, owner: null }
    },
  } satisfies Pick<RelayStore, 'beat' | 'take' | 'leave'>
  return { lease: () => new StreamLease(relays as unknown as RelayStore, 'log') }
}
