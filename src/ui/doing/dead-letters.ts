/** Retries or dismisses dead letters: the chosen ones, all that match a filter, or all. */
import type { DeadLetterFilter } from '../../deliveries/dead-letters.ts'
import { count, number } from '../parts/number.ts'
import { chosenLetters } from '../dead-letters/letter-filter.ts'
import type { Visit } from '../visit.ts'
import type { Doing, How } from './doing.ts'

/** A request must not take minutes. The same action goes on with the rest when it is repeated. */
const MOST_AT_ONCE = 10_000

export const retryDeadLetters: Doing = {
  title: 'Retry dead letters',
  button: 'Retry',
  async preview(visit, values) {
    const filter = chosenLetters(values)
    const found = await visit.bus.deadLetters.count(filter)
    if (found === 0) return { says: 'No open dead letter matches.', count: 0 }
    return {
      says: `This retries ${count(found, 'dead letter')}${described(filter)}${limited(found)}.`,
      warns:
        'Each gets all its attempts again. Those with a partition key run after the later events of their key that have run meanwhile, unless they block it.',
      count: found,
    }
  },
  run: (visit, values, how) => change(visit, values, how, 'retry'),
}

export const dismissDeadLetters: Doing = {
  title: 'Dismiss dead letters',
  button: 'Dismiss for good',
  async preview(visit, values) {
    const filter = chosenLetters(values)
    const found = await visit.bus.deadLetters.count(filter)
    if (found === 0) return { says: 'No open dead letter matches.', count: 0 }
    return {
      says: `This gives up ${count(found, 'dead letter')}${described(filter)} for good${limited(found)}.`,
      warns: 'They are not delivered. A key that one of them blocks goes on with the next event.',
      count: found,
    }
  },
  run: (visit, values, how) => change(visit, values, how, 'dismiss'),
}

async function change(
  { bus }: Visit,
  values: URLSearchParams,
  { act, most }: How,
  what: 'retry' | 'dismiss',
): Promise<string> {
  const filter = chosenLetters(values)
  const which = Object.keys(filter).length > 0 ? filter : ({ all: true } as const)
  const done = await bus.deadLetters[what](which, { ...act, limit: Math.min(most, MOST_AT_ONCE) })
  const left = Math.max(0, most - done.count)
  const are = `${count(done.count, 'dead letter')} ${done.count === 1 ? 'is' : 'are'}`
  const rest = left > 0 && done.count > 0 ? `, ${number(left)} not yet` : ''
  return what === 'retry' ? `${are} tried again${rest}.` : `${are} dismissed${rest}.`
}

function described({ deliveryIds, handler, eventType, error }: DeadLetterFilter): string {
  if (deliveryIds !== undefined) return ' that you chose'
  return [
    handler === undefined ? '' : ` of ${handler}`,
    eventType === undefined ? '' : ` for ${eventType}`,
    error === undefined ? '' : ` that died of ${error}`,
  ].join('')
}

function limited(found: number): string {
  return found > MOST_AT_ONCE ? `, ${number(MOST_AT_ONCE)} at a time, the oldest events first` : ''
}
