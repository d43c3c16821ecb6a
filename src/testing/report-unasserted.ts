/** Strict mode's failure: the events that were not asserted, each with its data and where it was published. */
import type { AssertionError } from 'node:assert'
import { assertionError } from './assertion-error.ts'
import { dataInWords } from './data-in-words.ts'
import { asStackLines, placeInWords } from './published-at.ts'
import type { EventBusMode, RecordedEvent, TestBus } from './test-bus.ts'

const MOST_EVENTS = 20
const MOST_PLACES = 4

/**
 * Fails if strict mode still expects events to be asserted. It reports each event only once.
 *
 * @param cut the testing kit's function that the test called, if the test itself asked for this check.
 */
export function reportUnasserted(test: TestBus, cut?: (...parameters: never[]) => unknown): void {
  const events = test.unasserted()
  if (events.length === 0) return
  test.markDone(...events)
  const error = unasserted(events)
  if (cut) Error.captureStackTrace(error, cut)
  else error.stack = `${error.name}: ${error.message}\n${asStackLines(events[0]?.publishedAt() ?? [])}`
  throw error
}

/** Builds the failure for these events. */
export function unasserted(events: readonly RecordedEvent[], mode: EventBusMode = 'strict'): AssertionError {
  const shown = events.slice(0, MOST_EVENTS).map(described)
  const more = events.length > MOST_EVENTS ? [`  … and ${events.length - MOST_EVENTS} more`] : []
  const message = [
    `Unasserted events published in ${mode} mode:`,
    ...shown,
    ...more,
    "Assert each with assertEventPublished(…). What only prepares the test belongs before setEventBusMode('strict').",
  ].join('\n\n')
  return assertionError({ message })
}

function described(recorded: RecordedEvent, index: number): string {
  const { type, data } = recorded.event
  const places = recorded.publishedAt().slice(0, MOST_PLACES).map(placeInWords)
  const [first = 'an unknown place', ...rest] = places
  const label = '     Published at: '
  const lines = [label + first, ...rest.map((place) => ' '.repeat(label.length) + place)]
  return [`  ${index + 1}. ${type} ${dataInWords(data)}`, ...lines].join('\n')
}
