/** How a claimer shares its slots between claims. The database here is a script, so that each answer comes when the test says so. */
import { beforeEach, expect, test } from 'vitest'
import type { Claimed, ClaimedDelivery } from '../../../src/deliveries/delivery.ts'
import { Claimer, type ClaimerParts } from '../../../src/worker/claimer.ts'
import { HandlerSlots } from '../../../src/worker/handler-slots.ts'
import { Held, type HeldDelivery } from '../../../src/worker/held.ts'
import { QueueSignals } from '../../../src/worker/queue-signals.ts'
import { aSignal } from '../../support/notes.ts'

/** What each claim asked for, oldest first. */
let asked: number[]
/** Answers the oldest claim that waits. */
let answers: ((deliveries: number, more: boolean) => void)[]
let running: HeldDelivery[]
let claimer: Claimer
let held: Held
let stopping: AbortController
let ran: Promise<number>

beforeEach(() => {
  asked = []
  answers = []
  running = []
  stopping = new AbortController()
})

test('a backlog is claimed by two claims at once, half of the slots each', async () => {
  await start({ concurrency: 200 })
  await answer(200, true)
  expect(asked).toEqual([200])

  await finish(200)
  expect(asked).toEqual([200, 100, 100])
  await answer(100, true)
  expect(asked).toEqual([200, 100, 100]) // their handlers run
  await finish(100)
  expect(asked).toEqual([200, 100, 100, 100])

  await answer(100, true)
  await answer(3, false)
  expect(await stopped()).toBe(403)
})

test('two claims never ask for more than there are free slots', async () => {
  await start({ concurrency: 200 })
  await answer(200, true)

  await finish(70)
  expect(asked).toEqual([200, 70])
  await finish(40)
  expect(asked).toEqual([200, 70]) // too few for a second claim
  await finish(60)
  expect(asked).toEqual([200, 70, 100])
  await answer(70, true)
  await answer(100, true)
  await stopped()
})

test('without a backlog there is one claim, however often it is woken', async () => {
  await start({ concurrency: 200 })
  claimer.wake()
  await aMoment()
  expect(asked).toEqual([200])

  await answer(0, false)
  expect(asked).toEqual([200, 200]) // it was woken meanwhile
  await answer(0, false)
  expect(asked).toEqual([200, 200])
  await stopped()
})

test.each<{ what: string; options: Partial<ClaimerParts> }>([
  { what: 'of lanes, which take turns', options: { inLanes: true } },
  { what: 'under limits, which take turns', options: { handlerSlots: limitedSlots() } },
  { what: 'with few slots', options: { concurrency: 98 } },
])('claims $what: one at a time', async ({ options }) => {
  const { concurrency = 200 } = options
  await start({ concurrency, ...options })
  await answer(concurrency, true)

  await finish(concurrency)

  expect(asked).toEqual([concurrency, concurrency])
  await answer(0, false)
  await stopped()
})

test('a claim that is under way at a stop still hands on what it brings', async () => {
  await start({ concurrency: 200 })
  await answer(200, true)
  await finish(200)
  expect(asked).toEqual([200, 100, 100])

  stopping.abort()
  await answer(100, true)
  await answer(7, true)

  expect(await ran).toBe(307)
  expect(running).toHaveLength(107)
  expect(asked).toEqual([200, 100, 100])
})

test('a drain that follows another one looks at once, not at the next poll', async () => {
  await start({ concurrency: 20 }, true)
  await answer(0, false)
  expect(await ran).toBe(0)

  const second = claimer.run(true)
  await aMoment()
  expect(asked).toEqual([20, 20])
  await answer(0, false)
  expect(await second).toBe(0)
})

async function start(
  options: Partial<ClaimerParts> & { readonly concurrency: number },
  isDraining = false,
): Promise<void> {
  const handlerSlots = options.handlerSlots ?? new HandlerSlots(new Map())
  held = new Held(handlerSlots, options.inLanes ? 'settled' : 'returned')
  claimer = new Claimer({
    queue: 'events',
    inLanes: false,
    pollMs: 60_000,
    handlerSlots,
    held,
    signals: new QueueSignals('events', () => undefined),
    stopping: stopping.signal,
    begin: (delivery) => void running.push(held.hold(delivery)),
    store: { claim },
    ...options,
  })
  ran = claimer.run(isDraining)
  await aMoment()
}

async function claim(_: string, limit: number): Promise<Claimed> {
  asked.push(limit)
  const answered = aSignal<Claimed>()
  const place = asked.length
  answers.push((count, more) => {
    const deliveries = Array.from({ length: count }, (__, n) => aDelivery(`${place}-${n}`))
    answered.resolve({ deliveries, more, heldBack: [], lookAgain: false })
  })
  return answered.promise
}

async function answer(deliveries: number, more: boolean): Promise<void> {
  answers.shift()?.(deliveries, more)
  await aMoment()
}

/** So many handlers return, and their deliveries are settled. */
async function finish(count: number): Promise<void> {
  for (const one of running.splice(0, count)) {
    held.returned(one)
    claimer.returned()
    held.release(one)
    claimer.released()
  }
  await aMoment()
}

/** Stops the claimer, and answers how many it had claimed. */
async function stopped(): Promise<number> {
  stopping.abort()
  while (answers.length > 0) await answer(0, false)
  return ran
}

function limitedSlots(): HandlerSlots {
  return new HandlerSlots(new Map([['other', { perProcess: 1 }]]))
}

function aDelivery(id: string): ClaimedDelivery {
  return { id, queue: 'events', handler: 'any', claim: 0, attempt: 1, event: null }
}

function aMoment(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
