/** The testing kit, `postbus/testing`: assertions, test databases, draining and time travel. Works with any test runner. */
export { allowEventBus, currentTestBus, type AllowTarget } from './allow-event-bus.ts'
export {
  assertEventPublished,
  assertNoPendingEvents,
  broadcastEvents,
  publishedEvents,
  refuteEventPublished,
} from './assertions.ts'
export type { Patience } from './arrival.ts'
export { mailboxOf } from './mailbox-of.ts'
export type { AsymmetricMatcher, EventMatch, PartOf } from './match.ts'
export { getEventBusMode, setEventBusMode } from './modes.ts'
export type { RunEventOptions, RunEventResult } from './prepared-run.ts'
export { runEvent, runEventOrThrow } from './run-event.ts'
export { runEvents, type RunEventsResult } from './run-events.ts'
export type { EventBusMode, TestBus } from './test-bus.ts'
export { withTestBus, type WithTestBusOptions } from './with-test-bus.ts'
export { openTestDatabase, testDatabase } from './database/database.ts'
export type { FixtureOf, TestContext } from './database/fixture.ts'
export type { OpenTestDatabase, TestDatabase, TestDatabaseOptions } from './database/test-database.ts'
export { drainEvents, type DrainOptions } from './drain/drain.ts'
export { advanceTime, currentTime, resetTime, travelTo, type TimeOptions, type TimeSpan } from './time/time.ts'
