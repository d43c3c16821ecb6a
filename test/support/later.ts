/** Events for later, and two handlers for them, on a database of the test's own. */
import { Client } from 'pg'
import { onTestFinished } from 'vitest'
import type { PublishOptions } from '../../src/index.ts'
import { resetTime } from '../../src/testing/time/time.ts'
import { openTestBus, type TestBus } from './bus.ts'
import { handlerThat, NoteTaken } from './notes.ts'

export const AN_HOUR = 3_600_000
/** The numbers of the events that were handled. */
export const ran: number[] = []
let opened: TestBus

/** For `beforeAll`. */
export async function openLater(): Promise<TestBus> {
  const handlers = [
    handlerThat((n) => void ran.push(n), { name: 'notes.take' }),
    handlerThat(() => undefined, { name: 'notes.count' }),
  ]
  opened = await openTestBus({ handlers })
  return opened
}

/** For `afterEach`. */
export async function tidyLater(): Promise<void> {
  await resetTime({ bus: opened.bus })
  ran.length = 0
}

/** Publishes a note, and returns the id of its event. */
export async function published(n: number, when: PublishOptions = {}): Promise<string> {
  const { events } = await opened.bus.publish(NoteTaken({ n }), when)
  return events[0]?.id ?? ''
}

/** A connection of the test's own, until it ends. */
export async function connected(): Promise<Client> {
  const client = new Client({ connectionString: opened.connectionString })
  await client.connect()
  onTestFinished(() => client.end())
  return client
}
