/** What a worker learns between its heartbeat and the shards that it takes. */
import { expect, test } from 'vitest'
import type { LogBeat, LogStore, LogSubscription } from '../../../src/deliveries/log-reading.ts'
import { Leases } from '../../../src/worker/log/leases.ts'
import type { Handling, Shard } from '../../../src/worker/log/shard.ts'
import { handlerThat } from '../../support/notes.ts'
import { subscriptionOf } from '../../support/log-subscription.ts'

const CURSOR = { handler: 'notes.take', shard: 0, position: 7, fence: 1, deaths: 0 }

test('a change of the number of shards before the take is known before their lanes are read', async () => {
  const asked: number[] = []
  const { leases } = aLeaseholder([{ shards: 2 }, { shards: 5 }], {
    lanesOf: async (_, { of }) => (asked.push(of), []),
  })

  await leases.beat()

  expect(asked).toEqual([5])
})

test('a dead reader is removed even if it has no shards, because a change may wait for it', async () => {
  const dead: string[] = []
  const silent = [{ id: 'silent', beat: 3, handlers: ['notes.take'] }]
  const { leases } = aLeaseholder([{ shards: 1 }], {
    owner: 'another one', // no shard is free
    readers: silent,
    deadAfterMs: 20,
    take: async (_reader, _handler, _wanted, those) => (dead.push(...those.map(({ id }) => id)), []),
  })

  await leases.beat()
  await new Promise((resolve) => setTimeout(resolve, 30))
  await leases.beat()

  expect(dead).toEqual(['silent'])
})

test('a shard of a handler that changes to deliveries is released when its cursor has passed the end, not when it was only read that far', async () => {
  const { leases, handling } = aLeaseholder([{ shards: 1 }, { shards: 1 }, { shards: 1, endsAt: 10 }], {})
  await leases.beat()
  const shard = handling.shards.get(0) as Shard
  shard.readTo = 12

  await leases.beat()
  expect(shard.isReleasing).toBe(false)

  shard.acknowledged = 10
  await leases.beat()
  expect(shard.isReleasing).toBe(true)
})

interface World extends Partial<Pick<LogStore, 'lanesOf' | 'take'>> {
  readonly readers?: LogBeat['readers']
  readonly owner?: string
  readonly deadAfterMs?: number
}

/** Makes leases whose heartbeats return these subscriptions, one after the other. After the last one, each heartbeat returns that one. */
function aLeaseholder(
  answers: readonly Partial<LogSubscription>[],
  { readers = [], deadAfterMs = 8_000, owner: owned, ...store }: World,
) {
  const subscriptions = answers.map(subscriptionOf)
  const handling = {
    handler: handlerThat(() => undefined, { delivery: 'log' }),
    subscription: subscriptions[0],
    shards: new Map<number, Shard>(),
  } as unknown as Handling
  let owner = owned ?? null
  let beats = 0
  const leases = new Leases({
    reader: 'me',
    handlings: [handling],
    deadAfterMs,
    onLost: () => undefined,
    isRunning: () => false,
    store: {
      async beat() {
        const subscription = subscriptions[Math.min(beats, subscriptions.length - 1)] as LogSubscription
        beats += 1
        return { handlers: [subscription], cursors: [{ ...CURSOR, owner }], readers, pauses: [] }
      },
      async take() {
        owner = 'me'
        return [CURSOR]
      },
      lanesOf: async () => [],
      completedAfter: async () => [],
      ...store,
    },
  })
  return { leases, handling }
}
