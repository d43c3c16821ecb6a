/** A run in a worker, with a store in memory. Each settle waits until the test decides how it ends. */
import { beforeEach, expect, test, vi } from 'vitest'
import {
  NOTHING_SETTLED,
  type ClaimedDelivery,
  type Settled,
  type Settlement,
} from '../../../src/deliveries/delivery.ts'
import type { Outcome } from '../../../src/handlers/outcome.ts'
import { Dispatcher } from '../../../src/worker/dispatcher.ts'
import { HandlerSlots } from '../../../src/worker/handler-slots.ts'
import { LaneTurns } from '../../../src/worker/lane-turns.ts'
import { Tally } from '../../../src/worker/tally.ts'
import { aDelivery } from './a-delivery.ts'
import { sqlError } from './a-settler.ts'

const DONE: Outcome = { is: 'done', result: undefined }

let began: string[]
let aborted: string[]
let signals: string[]
let kept: string[]
let settles: { settlement: Settlement; answer(settled: Partial<Settled>): void; refuse(error: Error): void }[]
let tally: Tally
let attempt: (delivery: ClaimedDelivery) => Promise<Outcome>

beforeEach(() => {
  began = []
  aborted = []
  signals = []
  kept = []
  settles = []
  tally = new Tally()
  attempt = async () => DONE
})

test('after a quick handler the run goes on without waiting for the database, and later ends are settled together', async () => {
  await working(aRun('a', 'b', 'c'))
  await vi.waitUntil(() => began.length === 3)
  expect(settled()).toEqual(['a → b'])

  await answer({})
  await vi.waitUntil(() => settles.length === 2)
  expect(settled()).toEqual(['a → b', 'b c'])
  await answer({})

  expect(tally.counts().done).toBe(3)
})

test('after a slow handler the run waits for the answer of the settle', async () => {
  attempt = async () => new Promise((resolve) => setTimeout(resolve, 30, DONE))
  await working(aRun('a', 'b'))
  await vi.waitUntil(() => settles.length === 1)

  expect(began).toEqual(['a'])
  expect(settles[0]?.settlement).toMatchObject({ takeNext: true, behind: 0 })
  await answer({ next: new Map([['a', aDelivery({ id: 'b' })]]) })
  await vi.waitUntil(() => settles.length === 2)
  expect(began).toEqual(['a', 'b'])
})

test('a run that has ended leaves its long turn to another lane', async () => {
  const ended = vi.spyOn(LaneTurns.prototype, 'ended')
  await working(aRun('a'))
  await vi.waitUntil(() => settles.length === 1)
  expect(ended).not.toHaveBeenCalled()

  await answer({})

  expect(ended).toHaveBeenCalledOnce()
  ended.mockRestore()
})

test('a failure ends the run, and the deliveries behind it do not begin', async () => {
  attempt = async ({ id }) => (id === 'b' ? { is: 'retry', delayMs: 1_000, error: new Error('no') } : DONE)
  await working(aRun('a', 'b', 'c'))
  await vi.waitUntil(() => settles.length === 1)
  await answer({})
  await vi.waitUntil(() => settles.length === 2)

  expect(settles[1]?.settlement).toMatchObject({ is: 'retry', delivery: { id: 'b' } })
  await answer({})
  expect(began).toEqual(['a', 'b'])
})

test('when the claim was lost, the running attempt is aborted, and later ends do not count', async () => {
  attempt = async ({ id }) => (id === 'a' ? DONE : new Promise(() => undefined))
  await working(aRun('a', 'b', 'c'))
  await vi.waitUntil(() => began.length === 2)

  await answer('lost')

  expect(aborted).toEqual(['b'])
  expect(signals).toEqual(['claim.lost', 'claim.lost'])
  expect(tally.counts().done).toBe(0)
})

test('a run that is cut begins none of its known deliveries', async () => {
  await working(aRun('a', 'b', 'c', 'd'), async ({ id }) => (id === 'b' ? waitFor('b') : DONE))
  await vi.waitUntil(() => began.length === 2, { interval: 1 }) // short, so that it counts as quick
  await answer({ cut: new Set(['a']) })
  finish('b')
  await vi.waitUntil(() => settles.length === 2)

  expect(settles[1]?.settlement).toMatchObject({ is: 'done', delivery: { id: 'b' }, takeNext: true })
  await answer({ next: new Map([['b', aDelivery({ id: 'older' })]]) })
  await vi.waitUntil(() => began.length === 3)
  expect(began).toEqual(['a', 'b', 'older'])
})

test('a stop gives back the running delivery, and earlier ends count as done', async () => {
  const dispatcher = await working(aRun('a', 'b'), async ({ id }) => (id === 'b' ? waitFor('b') : DONE))
  await vi.waitUntil(() => began.length === 2)

  dispatcher.stopClaiming()
  const given = dispatcher.giveBack()
  await answer({})
  await vi.waitUntil(() => settles.length === 2)
  expect(settles[1]?.settlement).toMatchObject({ is: 'later', delivery: { id: 'b' } })
  await answer({})

  expect(await given).toBe(1)
  expect([aborted, tally.counts().done]).toEqual([['b'], 1])
  await dispatcher.idle()
})

test('a heartbeat while the claim moves does not abort the running attempt', async () => {
  const dispatcher = await working(aRun('a', 'b'), async ({ id }) => (id === 'b' ? waitFor('b') : DONE))
  await vi.waitUntil(() => began.length === 2)

  await dispatcher.keepClaims(0) // no delivery is kept: the claim may have moved by the time of the answer
  expect(aborted).toEqual([])

  await answer({})
  await dispatcher.keepClaims(0)
  expect(aborted).toEqual(['b'])
})

test('when a settle is refused, the run ends, and its claim is kept', async () => {
  const dispatcher = await working(aRun('a', 'b', 'c'), async ({ id }) => (id === 'a' ? DONE : waitFor(id)))
  await vi.waitUntil(() => began.length === 2 && settles.length === 1)

  settles.at(-1)!.refuse(sqlError('P0001'))
  await vi.waitUntil(() => aborted.length > 0)
  await dispatcher.keepClaims(0)

  expect(aborted).toEqual(['b'])
  expect(kept).toContain('a')
  dispatcher.giveUp()
})

const waiting = new Map<string, () => void>()

function waitFor(id: string): Promise<Outcome> {
  return new Promise((resolve) => waiting.set(id, () => resolve(DONE)))
}

function finish(id: string): void {
  waiting.get(id)?.()
}

/** A worker that has claimed this run, and finds no other delivery. */
async function working(head: ClaimedDelivery, how = attempt): Promise<Dispatcher> {
  let waits = [head]
  const dispatcher = new Dispatcher({
    queue: 'events_partitioned',
    concurrency: 5,
    handlerSlots: new HandlerSlots(new Map()),
    pollMs: 60_000,
    tally,
    emit: (_level, name) => void signals.push(name),
    store: {
      claim: async () => {
        const deliveries = waits
        waits = []
        return { deliveries, more: false, heldBack: [], lookAgain: false }
      },
      settle: (_queue: string, [settlement]: readonly Settlement[]) =>
        new Promise<Settled>((resolve, reject) =>
          settles.push({
            settlement: settlement!,
            answer: (given) => resolve({ ...NOTHING_SETTLED, ...given }),
            refuse: reject,
          }),
        ),
      async keep(_queue: string, claims: readonly ClaimedDelivery[]) {
        kept = claims.map(({ id }) => id)
        return new Set()
      },
    } as never,
    attempt(delivery, { signal }) {
      began.push(delivery.id)
      signal.addEventListener('abort', () => aborted.push(delivery.id))
      return how(delivery)
    },
  })
  void dispatcher.run()
  await vi.waitUntil(() => began.length > 0, { interval: 1 })
  return dispatcher
}

/** Ends the latest settle as the database would. By default, the worker still had the claim; with 'lost', it did not. */
async function answer(how: Partial<Settled> | 'lost'): Promise<void> {
  const { settlement, answer: end } = settles.at(-1)!
  end(how === 'lost' ? {} : { ours: new Set([settlement.delivery.id]), ...how })
  await new Promise((resolve) => setTimeout(resolve, 1))
}

function aRun(first: string, ...behind: readonly string[]): ClaimedDelivery {
  return aDelivery({ id: first, behind: behind.map((id) => aDelivery({ id })) })
}

/** The deliveries that each settle has ended, and the delivery to which the claim moves. */
function settled(): readonly string[] {
  return settles.map(({ settlement: { ran = [], delivery, movesTo } }) => {
    const ended = [...ran.map((one) => one.delivery.id), delivery.id].join(' ')
    return movesTo ? `${ended} → ${movesTo.id}` : ended
  })
}
