/** Waits for an event that a test expects to come: the mailbox reports each new event, so there is no polling. */
import { clearTimeout, setTimeout } from '../clock.ts'
import type { Envelope } from '../events/envelope.ts'
import { PostbusError } from '../errors.ts'
import { meets, type Expectation } from './expectation.ts'
import { notPublished } from './failures.ts'
import { stackAbove } from './published-at.ts'
import type { RecordedEvent, TestBus } from './test-bus.ts'

export interface Patience {
  /** How long to wait, in milliseconds. */
  readonly withinMs: number
}

const MOST_MS = 600_000

type PublishedFrom = ReturnType<typeof stackAbove>

export interface Arrival extends Patience {
  readonly test: TestBus
  readonly expected: Expectation
  /** The testing kit's function that the test called: the stack of the error begins above it. */
  readonly cut: (...parameters: never[]) => unknown
}

/** Resolves to the first matching event, published already or later, and marks it asserted. */
export async function arrivalOf(arrival: Arrival): Promise<Envelope> {
  const { test, expected, withinMs, cut } = arrival
  checkPatience(withinMs)
  const caller: { stack?: string } = {}
  Error.captureStackTrace(caller, cut)
  const found = take(test, expected) ?? (await next(arrival, stackAbove(cut)))
  if (found) return found.event

  const error = notPublished(test, expected, withinMs)
  const frames = caller.stack?.split('\n').slice(1) ?? []
  error.stack = [`${error.name}: ${error.message}`, ...frames].join('\n')
  throw error
}

function next({ test, expected, withinMs }: Arrival, from: PublishedFrom): Promise<RecordedEvent | undefined> {
  return new Promise((resolve, reject) => {
    const stop = (settle: () => void) => {
      clearTimeout(timer)
      forget()
      settle()
    }
    const look = () => {
      try {
        const found = take(test, expected)
        if (found) stop(() => resolve(found))
      } catch (error) {
        stop(() => reject(error)) // the test's own predicate threw
      }
    }
    const timer = setTimeout(() => stop(() => resolve(undefined)), withinMs)
    const forget = test.onRecorded(look, from)
  })
}

function take(test: TestBus, expected: Expectation): RecordedEvent | undefined {
  const found = test.candidates().find(({ event }) => meets(event, expected))
  if (found) test.markDone(found)
  return found
}

function checkPatience(withinMs: unknown): void {
  if (typeof withinMs === 'number' && withinMs > 0 && withinMs <= MOST_MS) return
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `assertEventPublished(): \`withinMs\` is ${String(withinMs)}: expected milliseconds, more than 0 and at most ${MOST_MS}.`,
  )
}
