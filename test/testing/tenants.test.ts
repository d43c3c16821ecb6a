/** The testing kit and the buses of tenants: modes hold for all of them, and what is bound to a test takes its tenants with it. */
import '../../src/testing/vitest.ts'
import { describe, expect, test } from 'vitest'
import { createBus, type PostbusError } from '../../src/index.ts'
import {
  allowEventBus,
  assertEventPublished,
  mailboxOf,
  setEventBusMode,
  withTestBus,
} from '../../src/testing/index.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'

const connectionString = 'postgres://is.not/used'

test('in strict mode what a tenant’s bus publishes has to be asserted, like all else', async () => {
  setEventBusMode('strict')
  const bus = createBus({ connectionString, handlers: [] })
  await bus.forSchema('tenant_a').publish(NoteTaken({ n: 1 }))
  await bus
    .forDatabase('shard-1', { connectionString })
    .forSchema('tenant_a')
    .publish(NoteTaken({ n: 2 }))

  assertEventPublished(NoteTaken, { n: 2 })
  assertEventPublished(NoteTaken, { n: 1 })
})

test('an event of a tenant that is not asserted fails the test', async () => {
  const tenant = createBus({ connectionString, handlers: [] }).forSchema('tenant_a')

  const ended = withTestBus(() => tenant.publish(NoteTaken({ n: 1 })), { mode: 'strict' })

  await expect(ended).rejects.toThrow('notes.note-taken')
})

test('inline, handlers learn which tenant it is', async () => {
  setEventBusMode('inline')
  const seen: string[] = []
  const bus = createBus({ connectionString, handlers: [handlerThat((_, { bus: { name } }) => void seen.push(name))] })

  await bus.forSchema('tenant_a').publish(NoteTaken({ n: 1 }))
  await bus.publish(NoteTaken({ n: 1 }))

  expect(seen).toEqual(['tenant_a', 'postbus'])
})

test('in-memory buses have tenants with mailboxes of their own', async () => {
  setEventBusMode('live')
  const bus = createBus({ backend: 'mailbox', onSignal: () => undefined })
  await bus.forSchema('tenant_a').publish(NoteTaken({ n: 1 }))

  expect([mailboxOf(bus), mailboxOf(bus.forSchema('tenant_a'))].map((mailbox) => mailbox.length)).toEqual([0, 1])
})

describe.concurrent('a bus that is bound to a test takes its tenants with it', () => {
  const buses = [1, 2].map(() => createBus({ connectionString, handlers: [] }))

  test.each([0, 1])('bus %i', async (place) => {
    const bus = allowEventBus(buses[place]!)
    const elsewhere = new Promise<void>((resolve, reject) => {
      outside.push(() =>
        bus
          .forSchema('tenant_a')
          .publish(NoteTaken({ n: place }))
          .then(() => resolve(), reject),
      )
    })
    await elsewhere
    assertEventPublished(NoteTaken, { n: place })
  })
})

/** What runs here was started by no test. */
const outside: (() => Promise<unknown>)[] = []
const running = setInterval(
  () => outside.splice(0).forEach((work) => void work().catch((error: PostbusError) => error)),
  5,
)
running.unref()
