/** `await using`: a bus and a worker are disposed at the end of their block, in the right order, also when the block throws. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createBus, type Bus, type Worker } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { aSignal, handlerThat, NoteTaken } from '../support/notes.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({ handlers: [handlerThat(() => undefined)] })
})

afterAll(() => opened.close())

test('a worker stops after its running handlers have finished, and then its bus closes', async () => {
  const { bus, worker, finished } = await inABlock()

  expect(finished).toBe(true)
  await expect(worker.start()).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
  await expect(bus.publish(NoteTaken({ n: 2, key: null }))).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
})

async function inABlock() {
  const started = aSignal()
  let finished = false
  const handler = handlerThat(async () => {
    started.resolve()
    await new Promise(setImmediate)
    finished = true
  })
  const left = await block()
  return { ...left, finished }

  async function block(): Promise<{ bus: Bus; worker: Worker }> {
    await using bus = createBus({
      connectionString: opened.connectionString,
      handlers: [handler],
      onSignal: () => undefined,
    })
    await using worker = bus.worker()
    await worker.start()
    await bus.publish(NoteTaken({ n: 1, key: null }))
    await started.promise
    return { bus, worker }
  }
}

test('a block that throws disposes them too, and its own error is thrown', async () => {
  let left: Bus | null = null
  const failing = async () => {
    await using bus = createBus({ connectionString: opened.connectionString, onSignal: () => undefined })
    left = bus
    await bus.ready()
    throw new Error('out of ink')
  }

  await expect(failing()).rejects.toThrow('out of ink')
  await expect((left as Bus | null)?.publish(NoteTaken({ n: 3, key: null }))).rejects.toMatchObject({
    code: 'POSTBUS_CLOSED',
  })
})

test('a bus without a database closes at the end of its block too', async () => {
  let left: Bus | null = null
  {
    await using bus = createBus({ backend: 'mailbox' })
    left = bus
  }

  await expect(left.publish(NoteTaken({ n: 4, key: null }))).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
})
