/** A handler that awaits the completion of its work, on a database of the test's own. */
import { awaitCompletion } from '../../src/index.ts'
import { resetTime } from '../../src/testing/time/time.ts'
import { openTestBus, type TestBus } from './bus.ts'
import { handlerThat, NoteTaken } from './notes.ts'

export const AN_HOUR = 3_600_000

/** The number of each attempt's event, and which attempt it was. */
export const ran: [n: number, attempt: number][] = []
const ids = new Map<number, string>()
/** The handler calls this before it returns that it waits. If this returns something, the attempt ends with that instead. */
let does: (n: number, deliveryId: string) => unknown = () => undefined
let opened: TestBus

export const waiting = handlerThat(
  async (n, { attempt, deliveryId }) => {
    ran.push([n, attempt])
    ids.set(n, deliveryId)
    const done = await does(n, deliveryId)
    return done ?? awaitCompletion({ timeoutMs: AN_HOUR })
  },
  { maxAttempts: 2, backoff: { initialMs: 60_000, factor: 1, jitter: 0 } },
)

/** For `beforeAll`. */
export async function openAwaiting(): Promise<TestBus> {
  opened = await openTestBus({ handlers: [waiting] })
  return opened
}

/** For `afterEach`. */
export async function tidyAwaiting(): Promise<void> {
  await resetTime({ bus: opened.bus })
  ran.length = 0
  ids.clear()
  does = () => undefined
}

export function handlerDoes(work: typeof does): void {
  does = work
}

/** The id of the delivery of an event, once its handler has run. */
export function idOf(n: number): string {
  return ids.get(n) ?? ''
}

/** Publishes a note, and returns the id of its event. */
export async function published(n: number, key: string | null = null): Promise<string> {
  const { events } = await opened.bus.publish(NoteTaken({ n, key }))
  return events[0]?.id ?? ''
}
