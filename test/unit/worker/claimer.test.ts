/** A claimer divides its slots among its claims. The database here is a script, so each answer comes when the test says so. */
import { beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { ClaimBounds, Claimed } from '../../../src/deliveries/delivery.ts'
import { noBatches } from '../../../src/worker/batches/batches.ts'
import { Claimer, type ClaimerParts } from '../../../src/worker/claimer.ts'
import { HandlerSlots } from '../../../src/worker/handler-slots.ts'
import { Held, type HeldDelivery } from '../../../src/worker/held.ts'
import { QueueSignals } from '../../../src/worker/queue-signals.ts'
import { defineEvent } from '../../../src/events/event.ts'
import { aSignal } from '../../support/notes.ts'
import { aDelivery, stored } from './a-delivery.ts'

const MEBIBYTE = 1_048_576
const Noted = defineEvent('notes.noted', { schema: z.null() })

/** The limit of each claim, oldest first. */
let asked: number[]
/** The room of each claim, in bytes. */
let rooms: number[]
/** Functions that answer the waiting claims, oldest first. */
let answers: ((deliveries: number, more: boolean, payloadSize: number) => void)[]
let running: HeldDelivery[]
let claimer: Claimer
let held: Held
let stopping: AbortController
let ran: Promise<number>

beforeEach(() => {
  asked = []
  rooms = []
  answers = []
  running = []
  stopping = new AbortController()
})

test('two claims at the same time take a backlog, with half of the slots each', async () => {
  await start({ concurrency: 200 })
  await answer(200, true)
  expect(asked).toEqual([200])

  await finish(200)
  expect(asked).toEqual([200, 100, 100])
  await answer(100, true)
  expect(asked).toEqual([200, 100, 100]) // all slots have running handlers
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

test('without a backlog there is one claim at a time, at any number of wake-ups', async () => {
  await start({ concurrency: 200 })
  claimer.wake()
  await aMoment()
  expect(asked).toEqual([200])

  await answer(0, false)
  expect(asked).toEqual([200, 200]) // it was woken during the claim
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

test('a claim is limited to the free room for large payloads, and without room there is no claim', async () => {
  await start({ concurrency: 90 })
  await answer(10, true, MEBIBYTE)
  expect(asked).toEqual([90, 80])
  expect(rooms).toEqual([16 * MEBIBYTE, 6 * MEBIBYTE])

  await answer(7, true, MEBIBYTE)
  expect(asked).toEqual([90, 80]) // although 73 slots are free
  await finish(2)
  expect(rooms.slice(2)).toEqual([MEBIBYTE])
  await stopped()
})

test('two claims at the same time share the room', async () => {
  await start({ concurrency: 200 })
  await answer(200, true)
  await finish(200)

  expect(rooms).toEqual([8 * MEBIBYTE, 8 * MEBIBYTE, 4 * MEBIBYTE])
  await stopped()
})

test('deliveries of a claim that is under way at a stop are still handed on', async () => {
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

test('a drain that follows another drain claims at once, not at the next poll', async () => {
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
  held = new Held()
  claimer = new Claimer({
    queue: 'events',
    inLanes: false,
    pollMs: 60_000,
    handlerSlots,
    held,
    lanes: () => held.size,
    batches: noBatches(),
    signals: new QueueSignals('events', () => undefined),
    stopping: stopping.signal,
    begin: (delivery) => void running.push(held.hold(delivery)),
    store: { claim },
    ...options,
  })
  ran = claimer.run(isDraining)
  await aMoment()
}

async function claim(_: string, limit: number, { room = null }: ClaimBounds = {}): Promise<Claimed> {
  asked.push(limit)
  rooms.push(room ?? 0)
  const answered = aSignal<Claimed>()
  const place = asked.length
  answers.push((count, more, payloadSize) => {
    const event = payloadSize === 0 ? null : stored(Noted(null), { payload: 'x'.repeat(payloadSize) })
    const deliveries = Array.from({ length: count }, (__, n) => aDelivery({ id: `${place}-${n}`, event }))
    answered.resolve({ deliveries, more, heldBack: [], lookAgain: false })
  })
  return answered.promise
}

async function answer(deliveries: number, more: boolean, payloadSize = 0): Promise<void> {
  answers.shift()?.(deliveries, more, payloadSize)
  await aMoment()
}

/** Ends `count` handlers, and settles their deliveries. */
async function finish(count: number): Promise<void> {
  for (const one of running.splice(0, count)) {
    held.returned(one)
    claimer.returned()
    held.release(one)
    claimer.released()
  }
  await aMoment()
}

/** Stops the claimer, and returns the number of deliveries that it has claimed. */
async function stopped(): Promise<number> {
  stopping.abort()
  while (answers.length > 0) await answer(0, false)
  return ran
}

function limitedSlots(): HandlerSlots {
  return new HandlerSlots(new Map([['other', { perProcess: 1 }]]))
}

function aMoment(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
