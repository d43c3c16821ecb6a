import { expect, test } from 'vitest'
import { PostbusError } from '../../../src/errors.ts'
import { MinuteCounts } from '../../../src/worker/minute-counts.ts'
import { aDelivery } from './a-delivery.ts'

const NONE = { done: 0, skipped: 0, expired: 0, failed: 0, dead: 0, snoozed: 0 }

test('each end of an attempt is counted, also one that was refused at first and is stored later', () => {
  const counts = new MinuteCounts()
  const delivery = aDelivery()

  counts.count(delivery, { is: 'done', result: 1 }, 1)
  counts.count(delivery, { delivery, is: 'passed', as: 'expired', reason: '' }, null)
  counts.count(delivery, { delivery, is: 'passed', as: 'skipped', reason: '' }, null)
  counts.count(delivery, { is: 'retry', delayMs: 1, error: null }, 1)
  counts.count(delivery, { is: 'dead', reason: '', error: null, onDead: 'continue' }, 1)
  counts.count(delivery, { delivery, is: 'later', delayMs: 1 }, null)

  expect(counts.take()).toMatchObject([{ done: 1, skipped: 1, expired: 1, failed: 1, dead: 1, snoozed: 1 }])
})

test('an attempt has a run time only if its handler was called', () => {
  const counts = new MinuteCounts()
  const reason = new PostbusError('POSTBUS_UNKNOWN_HANDLER', '')

  counts.count(aDelivery(), { is: 'expired', reason: '' }, 5)
  counts.count(aDelivery(), { is: 'put-back', delayMs: 1, reason }, 5)

  expect(counts.take()).toMatchObject([{ ...NONE, expired: 1, snoozed: 1, runMs: [] }])
})

test('counts that were taken are not counted again', () => {
  const counts = new MinuteCounts()
  counts.count(aDelivery(), { is: 'done', result: 1 }, 1)

  expect(counts.take()).toHaveLength(1)
  expect(counts.take()).toEqual([])
})
