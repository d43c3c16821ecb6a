import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent } from '../../../src/events/event.ts'
import { PayloadBudget } from '../../../src/worker/payload-budget.ts'
import { aDelivery, stored } from './a-delivery.ts'

const NOTHING = { held: 0, heldSize: 0, asked: 0 }
const MEBIBYTE = 1_048_576

test('a first claim may ask for 256', () => {
  const budget = new PayloadBudget()

  expect([budget.share(20, NOTHING), budget.share(500, NOTHING)]).toEqual([20, 256])
})

test('larger payloads than expected are believed at once, smaller ones little by little', () => {
  const budget = new PayloadBudget()
  const shares: number[] = []

  for (const size of [MEBIBYTE, 100, 100, 100, 4 * MEBIBYTE]) {
    budget.learn([deliveryOf(size), deliveryOf(size)])
    shares.push(budget.share(90, NOTHING))
  }

  expect(shares).toEqual([16, 31, 63, 90, 4])
})

test('a claim that brings nothing teaches nothing', () => {
  const budget = new PayloadBudget()
  budget.learn([deliveryOf(MEBIBYTE)])

  budget.learn([])

  expect(budget.share(90, NOTHING)).toBe(16)
})

test('payloads of nothing leave all slots free', () => {
  const budget = new PayloadBudget()

  for (let claim = 0; claim < 100; claim += 1) budget.learn([aDelivery()])

  expect(budget.share(100_000, NOTHING)).toBe(100_000)
})

test('what is held and what is asked for takes its part', () => {
  const budget = new PayloadBudget()
  budget.learn([deliveryOf(MEBIBYTE)])

  expect(budget.share(90, { held: 2, heldSize: 9 * MEBIBYTE, asked: 3 })).toBe(4)
  expect(budget.share(90, { held: 2, heldSize: 20 * MEBIBYTE, asked: 0 })).toBe(0)
})

const Noted = defineEvent('notes.noted', { schema: z.null() })

function deliveryOf(size: number) {
  return aDelivery({ event: stored(Noted(null), { payload: 'x'.repeat(size) }) })
}
