/** Retries the heads of many blocked lanes, for example the day after a bug was fixed. */
import type { BlockedLanes } from '../../deliveries/lanes.ts'
import { asked, field, refused } from '../asked.ts'
import { count, number } from '../parts/number.ts'
import type { Doing } from './doing.ts'

/** Each head is retried in a transaction of its own, so one request takes no more than this. */
const MOST_AT_ONCE = 1_000

export const retryBlockedLanes: Doing = {
  title: 'Retry blocked keys',
  button: 'Retry their heads',
  async preview({ bus }, values) {
    const which = blockedOf(values)
    const { count: found } = await bus.lanes.retryAll(which, { preview: true })
    if (found === 0) return { says: 'No blocked key matches.', count: 0 }
    return {
      says: `This tries the heads of ${count(found, 'blocked key')}${inWords(which)} again${found > MOST_AT_ONCE ? `, ${number(MOST_AT_ONCE)} at a time, the oldest first` : ''}.`,
      warns: 'Each gets all its attempts again; what waits behind it follows in order.',
      count: found,
    }
  },
  async run({ bus }, values, { act, most }) {
    const done = await bus.lanes.retryAll(blockedOf(values), { ...act, limit: Math.min(most, MOST_AT_ONCE) })
    return `The heads of ${count(done.count, 'blocked key')} are tried again.`
  },
}

function blockedOf(values: URLSearchParams): BlockedLanes {
  const filter = { ...field(values, 'handler', 'handler'), ...field(values, 'error', 'error') }
  if (Object.keys(filter).length > 0) return filter as BlockedLanes
  if (asked(values, 'all') === 'yes') return { all: true }
  throw refused('Say which blocked keys: of a handler, by an error, or all of them.')
}

function inWords(which: BlockedLanes): string {
  if (which.all) return ''
  const of = which.handler === undefined ? '' : ` of ${which.handler}`
  return `${of}${which.error === undefined ? '' : ` that died of ${which.error}`}`
}
