/** A claimer asks for more than its free slots while handlers are short. */
import { expect, test } from 'vitest'
import type { ClaimerParts } from '../../../src/worker/claimer.ts'
import { SharedSlots } from '../../../src/worker/shared-slots.ts'
import { limitedSlots, scriptedClaims } from './scripted-claims.ts'

test('while handlers are short, claims ask for more than the free slots, but not before half of it has begun', async () => {
  const claims = await scriptedClaims({ concurrency: 20, claimsAhead: true })
  await claims.answer(20, true)
  await claims.finish(5)
  await claims.finish(14) // during the second claim
  await claims.answer(5, true)
  expect(claims.asked).toEqual([20, 5, 28]) // 14 slots are free, and 14 have returned

  await claims.answer(28, true)
  expect([claims.running.length, claims.waiting.size]).toEqual([20, 14])
  await claims.finish(10)
  expect([claims.waiting.size, claims.asked]).toEqual([4, [20, 5, 28]])
  await claims.finish(1)
  expect([claims.waiting.size, claims.asked]).toEqual([3, [20, 5, 28, 4]]) // of seven, as none has returned during the third claim
  await claims.stopped()
})

test('two claims at the same time share what may be claimed ahead', async () => {
  const claims = await scriptedClaims({ concurrency: 20, claimsAhead: true })
  await claims.answer(20, true)
  await claims.finish(5)
  for (let n = 0; n < 90; n += 1) claims.claimer.returned()

  await claims.answer(5, true)
  expect(claims.asked).toEqual([20, 5, 55])
  await claims.finish(20)
  expect(claims.asked).toEqual([20, 5, 55, 55])
  await claims.stopped()
})

test('a batch gets a free slot although claims have asked for more than the slots', async () => {
  const claims = await scriptedClaims({ concurrency: 20, claimsAhead: true })
  await claims.answer(20, true)
  await claims.finish(5)
  expect(claims.claimer.hasSlot).toBe(false) // the claim under way has asked for the five slots
  for (let n = 0; n < 90; n += 1) claims.claimer.returned()
  await claims.answer(5, true)
  expect([claims.asked.at(-1), claims.claimer.hasSlot]).toEqual([55, false])

  await claims.finish(1)

  expect(claims.claimer.hasSlot).toBe(true)
  await claims.stopped()
})

test.each<{ what: string; options: Partial<ClaimerParts> }>([
  { what: 'lanes', options: { inLanes: true } },
  { what: 'a queue with a handler whose attempts are limited', options: { handlerSlots: limitedSlots() } },
  { what: 'a queue that tenants share', options: { sharedSlots: new SharedSlots(20, 20) } },
  { what: 'a queue with a handler that has only one attempt', options: { claimsAhead: false } },
])('nothing is claimed ahead from $what', async ({ options }) => {
  const claims = await scriptedClaims({ concurrency: 20, claimsAhead: true, ...options })
  await claims.answer(20, true)
  await claims.finish(5)
  await claims.finish(15)
  await claims.answer(5, true)

  expect(claims.asked).toEqual([20, 5, 15])
  await claims.stopped()
})
