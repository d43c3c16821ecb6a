/** `postbus dead list | retry | dismiss`: dead letters, for an operator. */
import type { Bus } from '../bus.ts'
import type { DeadLetter, DeadLetterFilter } from '../deliveries/dead-letters.ts'
import type { PageOptions } from '../deliveries/page.ts'
import { ACT_OPTIONS, DESCRIBE_ACT, actOptionsOf } from './acting.ts'
import {
  BUS_OPTIONS,
  DESCRIBE_BUS,
  DESCRIBE_JSON,
  JSON_OPTION,
  UsageError,
  text,
  type Command,
  type ExitCode,
  type Invocation,
} from './command.ts'
import { confirmed } from './confirm.ts'
import { busFor } from './load-config.ts'
import { count, oneLine, printJson, printTable, say } from './output.ts'
import { DESCRIBE_PAGE, PAGE_OPTIONS, pageOptionsOf, sayMore } from './paging.ts'

const ACTIONS = ['list', 'retry', 'dismiss'] as const
const HEADS = ['DELIVERY', 'DIED AT', 'HANDLER', 'EVENT', 'KEY', 'ATTEMPTS', 'REASON']
/** A batch has a thousand dead letters: a line for each batch would be too much to read. */
const PROGRESS_EVERY = 10_000
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export const dead: Command = {
  summary: 'List dead letters, deliver them again, or dismiss them.',
  takesWords: true,
  examples: [
    ['postbus dead list', 'open dead letters, oldest first'],
    ['postbus dead list --handler finances.create-invoice --json', 'with every attempt’s error, for a program'],
    ['postbus dead retry 0000000000000005-…', 'delivers one again, by its delivery id, with all its attempts'],
    ['postbus dead retry --handler finances.create-invoice', 'delivers all of a handler again'],
    [
      'postbus dead retry --all --limit 10000',
      'delivers the oldest 10,000 again; the same command goes on with the rest',
    ],
    ['postbus dead dismiss --all --yes --by ada', 'gives all of them up for good, without asking'],
  ],
  options: {
    ...BUS_OPTIONS,
    ...JSON_OPTION,
    handler: { type: 'string' },
    type: { type: 'string' },
    error: { type: 'string' },
    all: { type: 'boolean' },
    ...PAGE_OPTIONS,
    ...ACT_OPTIONS,
    yes: { type: 'boolean', short: 'y' },
  },
  describe: {
    ...DESCRIBE_BUS,
    json: DESCRIBE_JSON,
    handler: 'Only dead letters of this handler.',
    type: 'Only dead letters of this event type.',
    error:
      'Only dead letters whose last attempt failed with this: a code or a name, such as ECONNREFUSED or TypeError.',
    all: 'retry, dismiss: every open dead letter.',
    ...DESCRIBE_PAGE,
    limit: `${DESCRIBE_PAGE.limit} retry, dismiss: at most this many, the oldest first. Default: all.`,
    ...DESCRIBE_ACT,
    yes: 'Do not ask.',
  },

  async run(invocation) {
    const [action, ...ids] = invocation.words
    const known = ACTIONS.find((name) => name === action)
    if (!known) throw new UsageError(`dead ${action ?? ''}: expected one of ${ACTIONS.join(', ')}.`)
    const filter = filterOf(invocation, ids)
    const page = known === 'list' ? pageOptionsOf(invocation) : {}
    const limit = known === 'list' ? undefined : mostOf(invocation)
    if (known !== 'list') checkChosen(known, invocation, ids)

    const bus = await busFor(invocation)
    try {
      return known === 'list'
        ? await list(bus, invocation, filter, page)
        : await change(known, bus, invocation, { filter, limit })
    } finally {
      await bus.close()
    }
  },
}

async function list(bus: Bus, invocation: Invocation, filter: DeadLetterFilter, page: PageOptions): Promise<ExitCode> {
  const { options, terminal } = invocation
  const { deadLetters: letters, cursor } = await bus.deadLetters.list({ ...filter, ...page })
  if (options['json']) {
    printJson(terminal, letters)
    sayMore(invocation, cursor)
    return 0
  }
  if (letters.length > 0) printTable(terminal.out, HEADS, letters.map(rowOf))
  const total = await bus.deadLetters.count(filter)
  say(
    terminal,
    total > letters.length ? `${letters.length} of ${count(total, 'dead letter')}.` : `${count(total, 'dead letter')}.`,
  )
  sayMore(invocation, cursor)
  return 0
}

function rowOf(letter: DeadLetter): readonly string[] {
  return [
    letter.deliveryId,
    letter.diedAt.toISOString(),
    letter.handler,
    letter.eventType ?? '',
    oneLine(letter.partitionKey ?? '', 24),
    String(letter.attempts.length),
    `${letter.blocksKey ? 'blocks its key: ' : ''}${oneLine(letter.reason)}`,
  ]
}

async function change(
  action: 'retry' | 'dismiss',
  bus: Bus,
  invocation: Invocation,
  { filter, limit = Infinity }: { readonly filter: DeadLetterFilter; readonly limit: number | undefined },
): Promise<ExitCode> {
  const { options, terminal } = invocation
  const total = Math.min(await bus.deadLetters.count(filter), limit)
  if (total === 0) {
    say(terminal, 'No open dead letter matches.')
    return filter.deliveryIds ? 1 : 0
  }
  const what = count(total, 'dead letter')
  const question =
    action === 'retry'
      ? `Deliver ${what} again? Those with a partition key run after the later events of their key that have run meanwhile.`
      : `Give up ${what} for good?`
  if (!(await confirmed(invocation, question))) return 1

  const which = Object.keys(filter).length > 0 ? filter : ({ all: true } as const)
  let said = 0
  const done = await bus.deadLetters[action](which, {
    ...actOptionsOf(invocation),
    ...(limit < Infinity && { limit }),
    onProgress: (so) => {
      if (so < said + PROGRESS_EVERY) return
      said = so
      say(terminal, `… ${so.toLocaleString('en')} of ${total.toLocaleString('en')}`)
    },
  })
  if (options['json']) printJson(terminal, [{ action, count: done.count }])
  say(terminal, `${count(done.count, 'dead letter')} ${action === 'retry' ? 'put back into the queue' : 'dismissed'}.`)
  return done.count === total ? 0 : 1
}

function filterOf(invocation: Invocation, ids: readonly string[]): DeadLetterFilter {
  const wrong = ids.find((id) => !UUID.test(id))
  if (wrong !== undefined)
    throw new UsageError(`"${wrong}" is not a delivery id. They are in the first column of: postbus dead list`)
  const handler = text(invocation, 'handler')
  const eventType = text(invocation, 'type')
  const error = text(invocation, 'error')
  return {
    ...(ids.length > 0 && { deliveryIds: ids }),
    ...(handler && { handler }),
    ...(eventType && { eventType }),
    ...(error && { error }),
  }
}

/** The largest number of dead letters for an act. `undefined`: all, without `--limit`. Unlike in a list, `--limit` has no upper bound here. */
function mostOf(invocation: Invocation): number | undefined {
  if (text(invocation, 'cursor') !== undefined) throw new UsageError('--cursor is for: postbus dead list')
  const given = text(invocation, 'limit')
  if (given === undefined) return undefined
  if (/^[1-9]\d{0,11}$/.test(given)) return Number(given)
  throw new UsageError(`--limit ${given}: expected a whole number from 1.`)
}

/** An empty choice would mean all dead letters, and a forgotten word must not do that. */
function checkChosen(action: string, { options }: Invocation, ids: readonly string[]): void {
  if (ids.length > 0 || options['handler'] || options['type'] || options['error'] || options['all']) return
  throw new UsageError(
    `dead ${action}: say which: delivery ids, --handler NAME, --type EVENT-TYPE, --error CODE, or --all.`,
  )
}
