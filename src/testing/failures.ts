/** The messages of failing assertions: what was expected, and what this test published instead, where, and how it differs. */
import type { AssertionError } from 'node:assert'
import { assertionError } from './assertion-error.ts'
import { dataInWords } from './data-in-words.ts'
import { differenceInWords, withExpected } from './differences.ts'
import { differencesFrom, expectationInWords, isPredicate, type Expectation } from './expectation.ts'
import { placeInWords } from './published-at.ts'
import { state } from './state.ts'
import type { RecordedEvent, TestBus } from './test-bus.ts'

const MOST_EVENTS = 20
const MOST_DIFFERENCES = 5

export function notPublished(test: TestBus, expected: Expectation, withinMs?: number): AssertionError {
  const within = withinMs === undefined ? '' : ` within ${withinMs} ms`
  const message = `Expected an event ${expectationInWords(expected)}${within}.\n${publishedInstead(test, expected)}`
  const closest = closestOf(test, expected)
  if (!closest) {
    const types = test.candidates().map(({ event }) => event.type)
    return assertionError({ message, expected: [expected.type], actual: types })
  }
  const { data } = closest.event
  if (expected.match === undefined || isPredicate(expected.match)) return assertionError({ message })
  return assertionError({ message, expected: withExpected(expected.match, data), actual: data })
}

export function published(test: TestBus, expected: Expectation): AssertionError {
  const message = `Expected no event ${expectationInWords(expected)}.\n${publishedInstead(test, expected)}`
  return assertionError({ message })
}

/** The candidate of the right type that differs least. */
function closestOf(test: TestBus, expected: Expectation): RecordedEvent | undefined {
  const sameType = test.candidates().filter(({ event }) => isSameType(event, expected))
  const distance = (one: RecordedEvent) => differencesFrom(expected, one.event).length
  return sameType.toSorted((one, other) => distance(one) - distance(other))[0]
}

function publishedInstead(test: TestBus, expected: Expectation): string {
  const { recorded } = test
  const late = lateInWords(test)
  if (recorded.length === 0) return `Nothing was published in this test (${test.mode}).${late}`
  const shown = recorded.slice(-MOST_EVENTS)
  const before = recorded.length - shown.length
  const lines = shown.map((one, index) => `  ${before + index + 1}. ${described(test, expected, one)}`)
  const hidden = before > 0 ? [`  … ${before} before these`] : []
  return [`Published in this test (${test.mode}):`, ...hidden, ...lines, ...severalBuses(test)].join('\n') + late
}

function described(test: TestBus, expected: Expectation, recorded: RecordedEvent): string {
  const { event } = recorded
  const [place] = recorded.publishedAt()
  const version = event.version === 1 && expected.version === 1 ? '' : ` (version ${event.version})`
  const from = hasSeveralBuses(test) && event.source !== null ? ` from ${event.source}` : ''
  const where = place ? `   at ${placeInWords(place)}` : ''
  const head = `${event.type}${version} ${dataInWords(event.data)}${from}${where}${remark(test, recorded)}`
  return [head, ...differences(expected, recorded)].join('\n')
}

function differences(expected: Expectation, { event }: RecordedEvent): readonly string[] {
  if (!isSameType(event, expected)) return []
  const all = differencesFrom(expected, event)
  const more = all.length > MOST_DIFFERENCES ? [`… and ${all.length - MOST_DIFFERENCES} more`] : []
  return [...all.slice(0, MOST_DIFFERENCES).map(differenceInWords), ...more].map((text) => `       ${text}`)
}

/** Why an event that looks right did not count. */
function remark(test: TestBus, recorded: RecordedEvent): string {
  if (test.isDone(recorded)) return '   (asserted already)'
  return test.mode === 'strict' && !recorded.strict ? '   (before strict mode)' : ''
}

/** Names a late event: code that another test started may have published what this test is waiting for. */
function lateInWords(test: TestBus): string {
  const last = state.late.slice(test.lateBefore).at(-1)
  if (!last) return ''
  const who = `code that "${last.test}" started, which has ended`
  return `\nMeanwhile ${last.type} was published by ${who}. If it works for several tests, bind it: allowEventBus(target).`
}

function isSameType(event: RecordedEvent['event'], expected: Expectation): boolean {
  return event.type === expected.type && event.version === expected.version
}

function severalBuses(test: TestBus): readonly string[] {
  if (!hasSeveralBuses(test) || test.recorded.every(({ event }) => event.source !== null)) return []
  return ['Several buses have published. To tell them apart, give each a name: createBus({ source }).']
}

function hasSeveralBuses({ recorded }: TestBus): boolean {
  return new Set(recorded.map(({ bus }) => bus)).size > 1
}
