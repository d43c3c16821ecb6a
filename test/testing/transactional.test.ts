/** Handlers with a transaction, in tests: in inline mode, and run alone. */
import '../../src/testing/vitest.ts'
import { expect, test } from 'vitest'
import { createBus, defineHandler, type BusOptions, type PublishTransaction } from '../../src/index.ts'
import { runEvent, setEventBusMode } from '../../src/testing/index.ts'
import { NoteTaken } from '../support/notes.ts'

const tx: PublishTransaction = { executeSql: async () => ({ rows: [] }) }
const given: unknown[] = []
const handlers = (['transactional', 'inside'] as const).map((name) =>
  defineHandler(`notes.${name}`, {
    on: NoteTaken,
    ...(name === 'inside' ? { runs: 'in-transaction' as const } : { transactional: true as const }),
    handle: (_, context) => void given.push([name, context.tx]),
  }),
)

test('inline handlers get the publisher’s transaction, or else each its own from the bus', async () => {
  setEventBusMode('inline')
  given.length = 0
  const begun: PublishTransaction[] = []
  const bus = busWith({
    transaction: async (work) => {
      begun.push({ ...tx })
      await work(begun.at(-1)!)
    },
  })

  await bus.publish(NoteTaken({ n: 1 }), { tx })
  await bus.publish(NoteTaken({ n: 2 }))

  expect(given.map((one) => (one as unknown[])[0])).toEqual(['transactional', 'inside', 'transactional', 'inside'])
  expect(given.map((one) => (one as unknown[])[1])).toEqual([tx, tx, ...begun])
})

test('inline mode refuses them when no transaction can be had', async () => {
  setEventBusMode('inline')

  await expect(busWith({}).publish(NoteTaken({ n: 1 }))).rejects.toMatchObject({ code: 'POSTBUS_TRANSACTION_REQUIRED' })
})

test('in mailbox mode no handler is called, so no transaction is needed', async () => {
  given.length = 0

  await busWith({}).publish(NoteTaken({ n: 1 }))

  expect(given).toEqual([])
})

test('runEvent needs a transaction from the test for them', async () => {
  given.length = 0

  for (const handler of handlers) {
    await runEvent(handler, NoteTaken({ n: 1 }), { tx })
    await expect(runEvent(handler, NoteTaken({ n: 1 }))).rejects.toMatchObject({ code: 'POSTBUS_TRANSACTION_REQUIRED' })
  }

  expect(given).toEqual([
    ['transactional', tx],
    ['inside', tx],
  ])
})

function busWith(options: BusOptions) {
  return createBus({ handlers, onSignal: () => undefined, ...options })
}
