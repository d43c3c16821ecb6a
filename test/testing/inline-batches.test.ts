/** Batch handlers in inline mode: batches of one, inside `publish`. */
import '../../src/testing/vitest.ts'
import { beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createBus,
  defineBatchHandler,
  defineEvent,
  defineHandler,
  failed,
  type Bus,
  type Envelope,
} from '../../src/index.ts'
import { setEventBusMode } from '../../src/testing/index.ts'
import { rejectionOf } from './failure-of.ts'

const Ticked = defineEvent('clocks.ticked', { schema: z.object({ n: z.number() }) })
const Rang = defineEvent('clocks.rang', { schema: z.object({ n: z.number() }) })

beforeEach(() => setEventBusMode('inline'))

test('a batch handler gets batches of one event, and the outcome of that event counts', async () => {
  const batches: number[] = []
  const bus = createBus({
    handlers: [
      defineBatchHandler('test.store', {
        on: Ticked,
        handle(events, { outcomes }) {
          batches.push(events.length)
          if (events[0]!.data.n === 3) outcomes.set(events[0]!, failed('three is too many'))
        },
      }),
    ],
  })

  await bus.publish([Ticked({ n: 1 }), Ticked({ n: 2 })])
  const error = await rejectionOf(bus.publish(Ticked({ n: 3 })))

  expect(batches).toEqual([1, 1, 1])
  expect(error).toMatchObject({ code: 'POSTBUS_ATTEMPT_FAILED', message: expect.stringMatching(/test\.store.*three/) })
})

test('in an inline batch handler, `bus.publish` names no cause', async () => {
  const rung: Envelope[] = []
  const bus: Bus = createBus({
    handlers: [
      defineBatchHandler('test.ring', { on: Ticked, handle: ([event]) => bus.publish(Rang({ n: event!.data.n })) }),
      defineHandler('test.rang', { on: Rang, handle: (event) => void rung.push(event) }),
    ],
  })

  await bus.withContext({ correlationId: 'of the request' }, () => bus.publish(Ticked({ n: 1 })))

  expect(rung).toMatchObject([{ causationId: null, correlationId: rung[0]!.id }])
})
