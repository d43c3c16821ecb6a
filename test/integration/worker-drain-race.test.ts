/** A race of drain that needs exact timing: the database here is a script, so each reply comes at the moment that the test chooses. */
import { expect, test } from 'vitest'
import { NOTHING_SETTLED, type ClaimedDelivery } from '../../src/deliveries/delivery.ts'
import type { DeliveryStore } from '../../src/deliveries/delivery-store.ts'
import type { Outcome } from '../../src/handlers/outcome.ts'
import { Dispatcher } from '../../src/worker/dispatcher.ts'
import { HandlerSlots } from '../../src/worker/handler-slots.ts'
import { Tally } from '../../src/worker/tally.ts'
import { aSignal } from '../support/notes.ts'
import { until } from '../support/until.ts'

test('drain looks again if its last delivery was settled while a claim was on its way', async () => {
  const handled: string[] = []
  const firstHandler = aSignal<Outcome>()
  const lateAnswer = aSignal<readonly ClaimedDelivery[]>()
  const done: Outcome = { is: 'done', result: undefined }
  const claims = [() => [aDelivery('1')], () => lateAnswer.promise, () => [aDelivery('2')], () => []]
  let claimed = 0
  const dispatcher = new Dispatcher({
    queue: 'events_partitioned',
    concurrency: 5,
    handlerSlots: new HandlerSlots(new Map()),
    pollMs: 60_000,
    tally: new Tally(),
    emit: () => undefined,
    store: {
      claim: async () => ({
        deliveries: (await claims[claimed++]?.()) ?? [],
        more: false,
        heldBack: [],
        lookAgain: false,
      }),
      settle: async (_: string, settlements) => ({
        ...NOTHING_SETTLED,
        ours: new Set(settlements.map(({ delivery }) => delivery.id)),
      }),
    } satisfies Partial<DeliveryStore> as unknown as DeliveryStore,
    async attempt({ id }) {
      handled.push(id)
      return id === '1' ? firstHandler.promise : done
    },
  })

  const draining = dispatcher.drain()
  await until('the first runs', () => handled.length === 1)
  dispatcher.wake()
  await until('a claim is on its way', () => claimed === 2)
  firstHandler.resolve(done) // this makes the second delivery of its lane due, too late for the claim on its way
  await new Promise((resolve) => setImmediate(resolve))
  lateAnswer.resolve([])
  await draining

  expect(handled).toEqual(['1', '2'])
})

function aDelivery(id: string): ClaimedDelivery {
  return { id, queue: 'events_partitioned', handler: 'any', claim: 0, attempt: 1, event: null, behind: [] }
}
