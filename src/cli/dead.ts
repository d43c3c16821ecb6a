/** `postbus dead list | retry | discard`: dead letters, for an operator. */
import type { Bus } from '../bus.ts'
import type { DeadLetterFilter } from '../deliveries/operations.ts'
import {
  CONFIG_OPTION,
  DESCRIBE_CONFIG,
  DESCRIBE_JSON,
  JSON_OPTION,
  UsageError,
  limitOf,
  text,
  type Command,
  type ExitCode,
  type Invocation,
} from './command.ts'
import { confirmed } from './confirm.ts'
import { loadBus } from './load-config.ts'
import { count, oneLine, printJson, printTable, say } from './output.ts'

const ACTIONS = ['list', 'retry', 'discard'] as const
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export const dead: Command = {
  summary: 'List dead letters, deliver them again, or discard them.',
  takesWords: true,
  examples: [
    ['postbus dead list', 'open dead letters, oldest first'],
    ['postbus dead list --handler finances.create-invoice --json', 'with every attempt’s error, for a program'],
    ['postbus dead retry 0000000000000005-…', 'delivers one again, by its delivery id, with all its attempts'],
    ['postbus dead retry --handler finances.create-invoice', 'delivers all of a handler again'],
    ['postbus dead discard --all --yes', 'gives all of them up for good, without asking'],
  ],
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    handler: { type: 'string' },
    type: { type: 'string' },
    all: { type: 'boolean' },
    limit: { type: 'string' },
    yes: { type: 'boolean', short: 'y' },
  },
  describe: {
    config: DESCRIBE_CONFIG,
    json: DESCRIBE_JSON,
    handler: 'Only those of this handler.',
    type: 'Only those of this event type.',
    all: 'retry, discard: every open dead letter.',
    limit: 'list: at most this many. Default: 100.',
    yes: 'Do not ask.',
  },

  async run(invocation) {
    const [action, ...ids] = invocation.words
    const known = ACTIONS.find((name) => name === action)
    if (!known) throw new UsageError(`dead ${action ?? ''}: expected one of ${ACTIONS.join(', ')}.`)
    const filter = filterOf(invocation, ids)
    const limit = limitOf(invocation)
    if (known !== 'list') checkChosen(known, invocation, ids)

    const bus = await loadBus(text(invocation, 'config'))
    try {
      return known === 'list'
        ? await list(bus, invocation, filter, limit)
        : await change(known, bus, invocation, filter)
    } finally {
      await bus.close()
    }
  },
}

async function list(
  bus: Bus,
  { options, terminal }: Invocation,
  filter: DeadLetterFilter,
  limit: number,
): Promise<ExitCode> {
  const letters = await bus.deadLetters.list({ ...filter, limit })
  if (options['json']) {
    printJson(terminal, letters)
    return 0
  }
  if (letters.length > 0) {
    const rows = letters.map((letter) => [
      letter.deliveryId,
      letter.diedAt.toISOString(),
      letter.handler,
      letter.eventType ?? '',
      oneLine(letter.partitionKey ?? '', 24),
      String(letter.attempts.length),
      `${letter.blocksKey ? 'blocks its key: ' : ''}${oneLine(letter.reason)}`,
    ])
    printTable(terminal.out, ['DELIVERY', 'DIED AT', 'HANDLER', 'EVENT', 'KEY', 'ATTEMPTS', 'REASON'], rows)
  }
  const total = await bus.deadLetters.count(filter)
  say(
    terminal,
    total > letters.length ? `${letters.length} of ${count(total, 'dead letter')}.` : `${count(total, 'dead letter')}.`,
  )
  return 0
}

async function change(
  action: 'retry' | 'discard',
  bus: Bus,
  invocation: Invocation,
  filter: DeadLetterFilter,
): Promise<ExitCode> {
  const { options, terminal } = invocation
  const total = await bus.deadLetters.count(filter)
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

  const ids = await bus.deadLetters[action](filter)
  if (options['json'])
    printJson(
      terminal,
      ids.map((deliveryId) => ({ deliveryId, action })),
    )
  say(terminal, `${count(ids.length, 'dead letter')} ${action === 'retry' ? 'put back into the queue' : 'discarded'}.`)
  return ids.length === total ? 0 : 1
}

function filterOf(invocation: Invocation, ids: readonly string[]): DeadLetterFilter {
  const wrong = ids.find((id) => !UUID.test(id))
  if (wrong !== undefined)
    throw new UsageError(`"${wrong}" is not a delivery id. They are in the first column of: postbus dead list`)
  const handler = text(invocation, 'handler')
  const eventType = text(invocation, 'type')
  return { ...(ids.length > 0 && { deliveryIds: ids }), ...(handler && { handler }), ...(eventType && { eventType }) }
}

/** Nothing chosen would mean all of them, which nobody should get by forgetting a word. */
function checkChosen(action: string, { options }: Invocation, ids: readonly string[]): void {
  if (ids.length > 0 || options['handler'] || options['type'] || options['all']) return
  throw new UsageError(`dead ${action}: say which: delivery ids, --handler NAME, --type EVENT-TYPE, or --all.`)
}
