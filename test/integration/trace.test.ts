/** Events that a handler publishes with the bus name their cause automatically, wherever the handler runs, and the cause is stored. */
import '../../src/testing/vitest.ts'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { createBus, defineHandler, type AnyHandler, type Bus } from '../../src/index.ts'
import { drainEvents, publishedEvents, runEvent, setEventBusMode } from '../../src/testing/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus()
  return () => opened.close()
})

const first = () => NoteTaken({ n: 1 }, { correlationId: 'order 7', metadata: { traceparent: '00-0af7-b7ad-01' } })
const caused = (cause: string) => ({
  correlation_id: 'order 7',
  causation_id: cause,
  caused_by_handler: 'notes.take',
  metadata: { traceparent: '00-0af7-b7ad-01' },
})

test('in a worker', async () => {
  setEventBusMode('live')
  const bus = chained((handlers) => createBus({ connectionString: opened.connectionString, handlers }))
  const worker = bus.worker()
  onTestFinished(async () => void (await worker.stop()))
  await worker.start()

  const event = first()
  await bus.publish(event)

  await until('both are stored', async () => (await storedOf(event.id)).length === 1)
  expect(await storedOf(event.id)).toEqual([caused(event.id)])
})

test('in a drain, also inside a transaction', async () => {
  setEventBusMode('live')
  const bus = chained((handlers) => createBus({ connectionString: opened.connectionString, handlers }))
  const [alone, inside] = [first(), first()]
  await bus.publish(alone)
  await drainEvents({ bus })
  const tx = await opened.database.connect()
  await tx.query('begin')
  await bus.publish(inside, { tx })
  await drainEvents({ bus, tx })
  await tx.query('commit')
  tx.release()

  expect(await storedOf(alone.id)).toEqual([caused(alone.id)])
  expect(await storedOf(inside.id)).toEqual([caused(inside.id)])
})

test('inside publish, in inline mode', async () => {
  setEventBusMode('inline')
  const received: unknown[] = []
  const bus: Bus = createBus({
    backend: 'inline',
    handlers: [
      handlerThat(async (n) => void (n < 3 && (await bus.publish(NoteTaken({ n: n + 1 }))))),
      defineHandler('notes.look', { on: NoteTaken, handle: (event) => void received.push(event) }),
    ],
  })
  const event = first()

  await bus.publish(event)

  const [, second, third] = received.toSorted((one, other) => depth(one) - depth(other))
  expect(second).toMatchObject({ correlationId: 'order 7', causationId: event.id, causedByHandler: 'notes.take' })
  expect(third).toMatchObject({ correlationId: 'order 7', causationId: (second as typeof event).id })
})

test('in runEvent', async () => {
  const bus = createBus({ backend: 'mailbox', handlers: [] })
  const event = first()

  await runEvent(
    defineHandler('notes.take', { on: NoteTaken, handle: () => bus.publish(NoteTaken({ n: 2 })) }),
    event,
    { bus },
  )

  expect(publishedEvents(NoteTaken)).toMatchObject([
    { correlationId: 'order 7', causationId: event.id, causedByHandler: 'notes.take', data: { n: 2 } },
  ])
})

test('the handler that caused an event, and the time when its work began, reach the handlers of that event', async () => {
  setEventBusMode('live')
  const seen: unknown[] = []
  const initializedAt = new Date('2026-01-01T00:00:00.123Z')
  const look = defineHandler('notes.look', { on: NoteTaken, handle: (event) => void seen.push(event) })
  const bus: Bus = createBus({
    connectionString: opened.connectionString,
    handlers: [look, publishing(() => bus, initializedAt)],
  })
  await bus.publish(NoteTaken({ n: 1, key: 'red' }))

  await drainEvents({ bus })

  expect(seen).toMatchObject([
    { causedByHandler: null, initializedAt: null },
    { causedByHandler: 'notes.take', initializedAt },
  ])
})

/** A bus whose handler publishes, with the bus, a second note for the first one. */
function chained(make: (handlers: AnyHandler[]) => Bus): Bus {
  const bus: Bus = make([publishing(() => bus)])
  onTestFinished(() => bus.close())
  return bus
}

function publishing(bus: () => Bus, initializedAt?: Date): AnyHandler {
  return handlerThat(async (n) => {
    if (n === 1) await bus().publish(NoteTaken({ n: 2, key: 'red' }, initializedAt ? { initializedAt } : {}))
  })
}

const depth = (event: unknown) => (event as ReturnType<typeof first>).data.n

async function storedOf(causationId: string) {
  const { rows } = await opened.database.query(
    `select correlation_id, causation_id, caused_by_handler, metadata from postbus.event where causation_id = $1`,
    [causationId],
  )
  return rows
}
