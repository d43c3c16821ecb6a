/** Assertions about what the code under test has published. */
import type { Envelope } from '../events/envelope.ts'
import { PostbusError } from '../errors.ts'
import type { EventOf } from '../events/event.ts'
import type { AnyEventType } from '../handlers/listens-to.ts'
import { arrivalOf, type Patience } from './arrival.ts'
import { expectation, meets, type Expectation } from './expectation.ts'
import { notPublished, published } from './failures.ts'
import type { EventMatch } from './match.ts'
import { currentTest } from './owner.ts'
import { unasserted } from './report-unasserted.ts'
import type { TestBus } from './test-bus.ts'

/**
 * Fails unless this test has published a matching event of this type. Returns the first one and marks it asserted: the
 * next assertion is about the next event. In strict mode only events published in strict mode count.
 *
 * With `withinMs` it also waits for an event that is published later. It then returns a promise: await it.
 *
 * @example
 * const event = assertEventPublished(OrderCreated, { orderId: 'o-1' })
 * await assertEventPublished(OrderShipped, { orderId: 'o-1' }, { withinMs: 1_000 })
 *
 * @param match a part of the data, which may contain matchers such as `expect.any(String)`, or a predicate on the event.
 * @throws an AssertionError that lists what was published instead, where, and how it differs.
 * @throws {PostbusError} `POSTBUS_MODE_RECORDS_NOTHING`, `POSTBUS_NOT_IN_TEST`, `POSTBUS_SEVERAL_TESTS`.
 */
export function assertEventPublished<Kind extends AnyEventType>(
  type: Kind,
  match: EventMatch<NoInfer<Kind>> | undefined,
  options: Patience,
): Promise<EventOf<Kind>>
export function assertEventPublished<Kind extends AnyEventType>(
  type: Kind,
  match?: EventMatch<NoInfer<Kind>>,
): EventOf<Kind>
export function assertEventPublished(type: AnyEventType, match?: unknown, options?: Patience): unknown {
  const test = recordingTest('assertEventPublished')
  const expected = expectation('assertEventPublished', type, match)
  if (options) return arrivalOf({ test, expected, ...options, cut: assertEventPublished })
  const found = firstOf(test, expected)
  if (!found) throw withFrame(notPublished(test, expected), assertEventPublished)
  test.markDone(found)
  return found.event
}

/** Fails if this test has published an event of this type that matches. Events that were asserted already do not count. */
export function refuteEventPublished<Kind extends AnyEventType>(type: Kind, match?: EventMatch<NoInfer<Kind>>): void {
  const test = recordingTest('refuteEventPublished')
  const expected = expectation('refuteEventPublished', type, match)
  if (firstOf(test, expected)) throw withFrame(published(test, expected), refuteEventPublished)
}

/** All events that this test has published, asserted or not, in the order of publishing. Asserts nothing. */
export function publishedEvents(): readonly Envelope[]
export function publishedEvents<Kind extends AnyEventType>(type: Kind): readonly EventOf<Kind>[]
export function publishedEvents(type?: AnyEventType): readonly unknown[] {
  const events = recordingTest('publishedEvents').recorded.map(({ event }) => event)
  if (!type) return events
  const expected = expectation('publishedEvents', type, undefined)
  return events.filter((event) => meets(event, expected))
}

/**
 * All events that this test has broadcast, in order. In mailbox and strict mode no listener receives them, and strict mode does
 * not require assertions of them.
 *
 * @example expect(broadcastEvents(PriceChanged).map(({ data }) => data.productId)).toEqual(['p-1'])
 */
export function broadcastEvents(): readonly Envelope[]
export function broadcastEvents<Kind extends AnyEventType>(type: Kind): readonly EventOf<Kind>[]
export function broadcastEvents(type?: AnyEventType): readonly unknown[] {
  const events = recordingTest('broadcastEvents').broadcasts
  if (!type) return [...events]
  const expected = expectation('broadcastEvents', type, undefined)
  return events.filter((event) => meets(event, expected))
}

/** Fails if a published event was not asserted. In strict mode only events published in strict mode count, in mailbox mode all. */
export function assertNoPendingEvents(): void {
  const test = recordingTest('assertNoPendingEvents')
  const pending = test.candidates()
  if (pending.length === 0) return
  test.markDone(...pending)
  throw withFrame(unasserted(pending, test.mode), assertNoPendingEvents)
}

function firstOf(test: TestBus, expected: Expectation) {
  return test.candidates().find(({ event }) => meets(event, expected))
}

/** In the other modes nothing is recorded: an assertion would always fail, and a refutation always pass. */
function recordingTest(caller: string): TestBus {
  const test = currentTest(caller)
  const { mode } = test
  if (mode === 'mailbox' || mode === 'strict') return test
  const instead =
    mode === 'inline'
      ? 'handlers have already run: look at what they did'
      : 'events go to the database: look at what handlers did, after drainEvents()'
  throw new PostbusError(
    'POSTBUS_MODE_RECORDS_NOTHING',
    `${caller}(): in ${mode} mode no events are recorded; ${instead}. Or call setEventBusMode('strict') before publishing.`,
  )
}

/** Cuts the stack so that test runners show the test's own line. */
function withFrame(error: Error, cut: (...parameters: never[]) => unknown): Error {
  Error.captureStackTrace(error, cut)
  return error
}
