/** A claimer divides its slots among its claims. */
import { expect, test } from 'vitest'
import type { ClaimerParts } from '../../../src/worker/claimer.ts'
import { aMoment, limitedSlots, scriptedClaims } from './scripted-claims.ts'

const MEBIBYTE = 1_048_576

test('two claims at the same time take a backlog, with half of the slots each', async () => {
  const claims = await scriptedClaims({ concurrency: 200 })
  await claims.answer(200, true)
  expect(claims.asked).toEqual([200])

  await claims.finish(200)
  expect(claims.asked).toEqual([200, 100, 100])
  await claims.answer(100, true)
  expect(claims.asked).toEqual([200, 100, 100]) // all slots have claims.running handlers
  await claims.finish(100)
  expect(claims.asked).toEqual([200, 100, 100, 100])

  await claims.answer(100, true)
  await claims.answer(3, false)
  expect(await claims.stopped()).toBe(403)
})

test('two claims never ask for more than there are free slots', async () => {
  const claims = await scriptedClaims({ concurrency: 200 })
  await claims.answer(200, true)

  await claims.finish(70)
  expect(claims.asked).toEqual([200, 70])
  await claims.finish(40)
  expect(claims.asked).toEqual([200, 70]) // too few for a second claim
  await claims.finish(60)
  expect(claims.asked).toEqual([200, 70, 100])
  await claims.answer(70, true)
  await claims.answer(100, true)
  await claims.stopped()
})

test('without a backlog there is one claim at a time, at any number of wake-ups', async () => {
  const claims = await scriptedClaims({ concurrency: 200 })
  claims.claimer.wake()
  await aMoment()
  expect(claims.asked).toEqual([200])

  await claims.answer(0, false)
  expect(claims.asked).toEqual([200, 200]) // it was woken during the claim
  await claims.answer(0, false)
  expect(claims.asked).toEqual([200, 200])
  await claims.stopped()
})

test.each<{ what: string; options: Partial<ClaimerParts> }>([
  { what: 'of lanes, which take turns', options: { inLanes: true } },
  { what: 'under limits, which take turns', options: { handlerSlots: limitedSlots() } },
  { what: 'with few slots', options: { concurrency: 98 } },
])('claims $what: one at a time', async ({ options }) => {
  const { concurrency = 200 } = options
  const claims = await scriptedClaims({ concurrency, ...options })
  await claims.answer(concurrency, true)

  await claims.finish(concurrency)

  expect(claims.asked).toEqual([concurrency, concurrency])
  await claims.answer(0, false)
  await claims.stopped()
})

test('a claim is limited to the free room for large payloads, and without room there is no claim', async () => {
  const claims = await scriptedClaims({ concurrency: 90 })
  await claims.answer(10, true, MEBIBYTE)
  expect(claims.asked).toEqual([90, 80])
  expect(claims.rooms).toEqual([16 * MEBIBYTE, 6 * MEBIBYTE])

  await claims.answer(7, true, MEBIBYTE)
  expect(claims.asked).toEqual([90, 80]) // although 73 slots are free
  await claims.finish(2)
  expect(claims.rooms.slice(2)).toEqual([MEBIBYTE])
  await claims.stopped()
})

test('two claims at the same time share the room', async () => {
  const claims = await scriptedClaims({ concurrency: 200 })
  await claims.answer(200, true)
  await claims.finish(200)

  expect(claims.rooms).toEqual([8 * MEBIBYTE, 8 * MEBIBYTE, 4 * MEBIBYTE])
  await claims.stopped()
})

test('deliveries of a claim that is under way at a stop are still handed on', async () => {
  const claims = await scriptedClaims({ concurrency: 200 })
  await claims.answer(200, true)
  await claims.finish(200)
  expect(claims.asked).toEqual([200, 100, 100])

  claims.stopping.abort()
  await claims.answer(100, true)
  await claims.answer(7, true)

  expect(await claims.ran).toBe(307)
  expect(claims.running).toHaveLength(107)
  expect(claims.asked).toEqual([200, 100, 100])
})

test('a drain that follows another drain claims at once, not at the next poll', async () => {
  const claims = await scriptedClaims({ concurrency: 20 }, true)
  await claims.answer(0, false)
  expect(await claims.ran).toBe(0)

  const second = claims.claimer.run(true)
  await aMoment()
  expect(claims.asked).toEqual([20, 20])
  await claims.answer(0, false)
  expect(await second).toBe(0)
})
