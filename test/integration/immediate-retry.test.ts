/** A retry without a backoff may be claimed before its own process knows that it was settled. The drain runs it all the same. */
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineHandler, failed } from '../../src/index.ts'
import { openTestBus } from '../support/bus.ts'

const Paid = defineEvent('finances.paid', { schema: z.object({ number: z.number() }) })

test('one drain makes all retries that have no backoff', async () => {
  const stubborn = defineHandler('finances.stubborn', {
    on: Paid,
    maxAttempts: 20,
    backoff: () => 0,
    handle: () => failed('again'),
  })
  const opened = await openTestBus({ handlers: [stubborn] })
  onTestFinished(() => opened.close())
  await opened.bus.publish(Array.from({ length: 20 }, (_, number) => Paid({ number })))

  const counts = await opened.bus.worker().drain()

  expect(counts).toEqual({ done: 0, failed: 380, dead: 20, snoozed: 0 })
})
