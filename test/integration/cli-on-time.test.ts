/** `postbus events cancel`, `postbus deliveries` and `postbus schedules`. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { awaitCompletion } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { postbusHere as postbus } from '../support/cli.ts'
import * as handlers from '../support/fixtures/cli/event-handlers.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'

const ids: string[] = []
let shop: TestBus

beforeAll(async () => {
  const waiting = handlerThat((_, { deliveryId }) => {
    ids.push(deliveryId)
    return awaitCompletion({ timeoutMs: 3_600_000 })
  })
  shop = await openTestBus({ handlers: [...Object.values(handlers), waiting] })
})

afterAll(() => shop.close())

test('an event is cancelled, a delivery is completed, and mistakes are explained', async () => {
  const run = (...words: readonly string[]) => postbus(shop.connectionString, words)
  const { events } = await shop.bus.publish(NoteTaken({ n: 1 }), { delayMs: 3_600_000 })
  await shop.bus.publish([NoteTaken({ n: 2 }), NoteTaken({ n: 3 })])
  await shop.bus.worker().drain()
  const [one = '', other = ''] = ids

  const [cancelled, completed, failed] = await Promise.all([
    run('events', 'cancel', events[0]?.id ?? '', '--by', 'ada'),
    run('deliveries', 'complete', one, '--json'),
    run('deliveries', 'fail', other, '--reason', 'declined'),
  ])
  const [twice, noReason, noId, list, unknown] = await Promise.all([
    run('deliveries', 'complete', one),
    run('deliveries', 'fail', other),
    run('events', 'cancel'),
    run('schedules', 'list', '--json'),
    run('schedules', 'run', 'reports.daily'),
  ])

  expect(cancelled).toMatchObject({ code: 0, err: expect.stringMatching(/is cancelled: 1 delivery\.\n$/) })
  expect(completed.json()).toEqual([{ deliveryId: one, isApplied: true, state: 'done' }])
  expect(failed).toMatchObject({ code: 0, err: `Delivery ${other} is waiting now.\n` })
  expect(twice).toMatchObject({ code: 1, err: `Nothing was changed: delivery ${one} is done.\n` })
  expect([noReason.code, noId.code]).toEqual([2, 2])
  expect(list).toMatchObject({ code: 0, err: '' })
  expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining('POSTBUS_NO_SUCH_SCHEDULE') })
  const { acts } = await shop.bus.acts.list()
  expect(acts.map(({ act, by }) => `${act} by ${by}`).toSorted()).toEqual([
    'cancel by ada',
    'deliveries.complete by postbus deliveries',
    'deliveries.fail by postbus deliveries',
  ])
}, 120_000)
