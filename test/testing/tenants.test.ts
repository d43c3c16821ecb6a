/** The testing kit and the buses of tenants: modes apply to all of them, and binding a bus to a test also binds its tenants. */
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

test('in strict mode the events of a tenant’s bus must be asserted too', async () => {
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

test('an unasserted event of a tenant fails the test', async () => {
  const tenant = createBus({ connectionString, handlers: [] }).forSchema('tenant_a')

  const ended = withTestBus(() => tenant.publish(NoteTaken({ n: 1 })), { mode: 'strict' })

  await expect(ended).rejects.toThrow('notes.note-taken')
})

test('in inline mode handlers see which tenant an event belongs to', async () => {
  setEventBusMode('inline')
  const seen: string[] = []
  const bus = createBus({ connectionString, handlers: [handlerThat((_, { bus: { name } }) => void seen.push(name))] })

  await bus.forSchema('tenant_a').publish(NoteTaken({ n: 1 }))
  await bus.publish(NoteTaken({ n: 1 }))

  expect(seen).toEqual(['tenant_a', 'postbus'])
})

test('each tenant of an in-memory bus has its own mailbox', async () => {
  setEventBusMode('live')
  const bus = createBus({ backend: 'mailbox', onSignal: () => undefined })
  await bus.forSchema('tenant_a').publish(NoteTaken({ n: 1 }))

  expect([mailboxOf(bus), mailboxOf(bus.forSchema('tenant_a'))].map((mailbox) => mailbox.length)).toEqual([0, 1])
})

describe.concurrent('binding a bus to a test also binds its tenants', () => {
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

/** Code that runs here was not started by a test. */
const outside: (() => Promise<unknown>)[] = []
const running = setInterval(
  () => outside.splice(0).forEach((work) => void work().catch((error: PostbusError) => error)),
  5,
)
running.unref()
