/** The finished event: how publishing and the inline backend treat it. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, skip, type Envelope } from '../../../src/index.ts'
import { refusalOf } from '../refusal.ts'

const Ended = defineEvent('imports.ended', { schema: z.object({ states: z.record(z.string(), z.string()) }) })
const Started = defineEvent('imports.started', {
  schema: z.object({}),
  finishedEvent: (_, deliveries) =>
    Ended({ states: Object.fromEntries(deliveries.map(({ handler, state }) => [handler, state])) }),
})
const read = defineHandler('imports.read', { on: 'imports.started', handle: () => undefined })
const check = defineHandler('imports.check', { on: Started, handle: () => skip('no') })

test('in inline mode the finished event follows when the handlers have run', async () => {
  const heard: Envelope[] = []
  const hear = defineHandler('reports.hear', { on: Ended, handle: (event) => void heard.push(event) })
  const bus = createBus({ backend: 'inline', handlers: [read, check, hear], onSignal: () => undefined })

  const { events } = await bus.publish(Started({}))

  expect(events).toMatchObject([{ deliveries: 2 }])
  expect(heard).toMatchObject([
    { data: { states: { 'imports.read': 'done', 'imports.check': 'skipped' } }, causationId: events[0]?.id },
  ])
})

test.each(['inline', 'mailbox'] as const)(
  '%s: a bus that does not know the type of the finished event refuses the event',
  async (backend) => {
    const bus = createBus({ backend, handlers: [read], onSignal: () => undefined })

    await expect(bus.publish(Started({}))).rejects.toMatchObject({
      code: 'POSTBUS_INVALID_EVENT',
      message: expect.stringContaining('createBus({ events') as unknown,
    })
  },
)

test('a finishedEvent that is no function is refused where the type is defined', () => {
  const define = () => defineEvent('imports.started', { schema: z.object({}), finishedEvent: 'ended' as never })

  expect(refusalOf(define)).toMatchObject({ code: 'POSTBUS_INVALID_EVENT' })
})
