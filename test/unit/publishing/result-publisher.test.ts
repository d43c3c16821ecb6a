/** The checks of `publishResult` before it runs a block, and the duration of a block. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, durationMs } from '../../../src/index.ts'

const Imported = defineEvent('files.imported', { schema: z.object({ rows: z.number() }) })
const Refused = defineEvent('files.refused', { schema: z.object({ code: z.number() }) })
const bus = createBus({ backend: 'mailbox', onSignal: () => undefined })

test.each([
  ['no event type', ['files.imported', {}], 'expected an event type first'],
  ['no options', [Imported, async () => ({ rows: 1 })], 'expected an object of options second'],
  ['no block', [Imported, {}], 'expected a function third'],
  ['an option that does not exist', [Imported, { occurredAt: new Date() }], '"occurredAt" is not an option'],
  ['an error event that is none', [Imported, { errorEvent: 'files.failed' }], '`errorEvent` is not an event type'],
  ['error data without an event', [Imported, { errorData: () => ({}) }], 'without an `errorEvent`'],
  [
    'error data that is no function',
    [Imported, { errorEvent: Refused, errorData: {} }],
    '`errorData` is not a function',
  ],
  ['an undefined transaction', [Imported, { tx: undefined }], '`tx` is undefined'],
  ['an id that is none', [Imported, { id: 'o-1' }], "`id` 'o-1' is not a UUID"],
  ['metadata that JSON would lose', [Imported, { metadata: { at: new Date() } }], '`metadata.at` is'],
])('%s is refused before the block runs', async (what, [eventType, options], says) => {
  let hasRun = false
  const block = () => {
    hasRun = true
    return { rows: 1 }
  }

  const running = bus.publishResult(eventType as never, options as never, (what === 'no block' ? 7 : block) as never)

  await expect(running).rejects.toMatchObject({
    name: 'PostbusError',
    message: expect.stringContaining(says) as unknown,
  })
  expect(hasRun).toBe(false)
})

test('a duration is 0 when one of its times is missing', () => {
  const [from, to] = [new Date(1_000), new Date(3_500)]

  const durations = [
    { initializedAt: from, occurredAt: to },
    { initializedAt: null, occurredAt: to },
    { initializedAt: from },
    {},
  ].map((times) => durationMs(times))

  expect(durations).toEqual([2_500, 0, 0, 0])
})
