/** `postbus lanes retry --handler H --error CODE`: retries the heads of all keys that one bug has blocked. */
import type { Bus } from '../bus.ts'
import type { BlockedLanes } from '../deliveries/lanes.ts'
import { actOptionsOf } from './acting.ts'
import { UsageError, text, type ExitCode, type Invocation } from './command.ts'
import { confirmed } from './confirm.ts'
import { count, printJson, say } from './output.ts'

/** Each head is retried in a transaction of its own: a line for each would be too much to read. */
const PROGRESS_EVERY = 100

export interface RetryingAll {
  readonly which: BlockedLanes
  readonly ratePerSecond: number | undefined
  readonly limit: number | undefined
}

/** The chosen keys, and how fast to retry them. `null`: the command names one key. */
export function retryingAll(invocation: Invocation): RetryingAll | null {
  const { words, options } = invocation
  const handler = text(invocation, 'handler')
  const error = text(invocation, 'error')
  const isAll = options['all'] === true
  if (words.length > 1) {
    if (handler === undefined && error === undefined && !isAll) return null
    throw new UsageError('lanes retry: name one key, or choose many by --handler, --error or --all; not both.')
  }
  const filter = { ...(handler !== undefined && { handler }), ...(error !== undefined && { error }) }
  const isNamed = handler !== undefined || error !== undefined
  if (isNamed === isAll) {
    throw new UsageError('lanes retry: say which: HANDLER KEY, --handler NAME, --error CODE, or --all alone.')
  }
  return {
    which: isAll ? { all: true } : (filter as BlockedLanes),
    ratePerSecond: numberOf(invocation, 'rate'),
    limit: numberOf(invocation, 'limit'),
  }
}

function numberOf(invocation: Invocation, option: string): number | undefined {
  const given = text(invocation, option)
  if (given === undefined) return undefined
  if (/^[1-9]\d{0,4}$/.test(given)) return Number(given)
  throw new UsageError(`--${option} ${given}: expected a whole number from 1 to 99,999.`)
}

export async function retryAll(bus: Bus, invocation: Invocation, chosen: RetryingAll): Promise<ExitCode> {
  const { options, terminal } = invocation
  const { which, ratePerSecond, limit } = chosen
  const bounds = { ...(limit !== undefined && { limit }) }
  const { count: total } = await bus.lanes.retryAll(which, { ...bounds, preview: true })
  if (options['preview'] || total === 0) {
    if (options['json']) printJson(terminal, [{ action: 'retry', preview: options['preview'] === true, count: total }])
    say(terminal, total === 0 ? 'No blocked key matches.' : `${count(total, 'blocked key')} would be retried.`)
    return 0
  }
  if (!(await confirmed(invocation, `Retry the heads of ${count(total, 'blocked key')}?`))) return 1

  const done = await bus.lanes.retryAll(which, {
    ...actOptionsOf(invocation),
    ...bounds,
    ...(ratePerSecond !== undefined && { ratePerSecond }),
    onProgress: (so) => {
      if (so % PROGRESS_EVERY === 0) say(terminal, `… ${so.toLocaleString('en')} of ${total.toLocaleString('en')}`)
    },
  })
  if (options['json']) printJson(terminal, [{ action: 'retry', count: done.count }])
  say(terminal, `The heads of ${count(done.count, 'key')} are due now; what waits behind them follows.`)
  return 0
}
