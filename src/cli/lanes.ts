/** `postbus lanes list | show | retry | skip`: partition keys that stand still, for an operator. */
import type { Bus } from '../bus.ts'
import type { Lane, LaneName } from '../deliveries/operations.ts'
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

const ACTIONS = ['list', 'show', 'retry', 'skip'] as const
const HEADS = ['HANDLER', 'KEY', 'STATUS', 'SINCE', 'BEHIND', 'HEAD', 'LAST ERROR']

export const lanes: Command = {
  summary: 'List partition keys that stand still or wait, and act on one.',
  takesWords: true,
  examples: [
    ['postbus lanes list', 'blocked keys first, then those that have waited longest'],
    ['postbus lanes list --blocked --json', 'only keys that a dead delivery blocks, for a program'],
    ['postbus lanes show stock.reserve order-17', 'what stands at the head of a key, with its errors'],
    ['postbus lanes retry stock.reserve order-17', 'tries the head again now'],
    ['postbus lanes skip stock.reserve order-17', 'makes the head a dead letter; the key goes on with the next'],
  ],
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    handler: { type: 'string' },
    blocked: { type: 'boolean' },
    limit: { type: 'string' },
    yes: { type: 'boolean', short: 'y' },
  },
  describe: {
    config: DESCRIBE_CONFIG,
    json: DESCRIBE_JSON,
    handler: 'list: only keys of this handler.',
    blocked: 'list: only keys that a dead delivery blocks.',
    limit: 'list: at most this many. Default: 100.',
    yes: 'skip: do not ask.',
  },

  async run(invocation) {
    const [action, ...words] = invocation.words
    const known = ACTIONS.find((name) => name === action)
    if (!known) throw new UsageError(`lanes ${action ?? ''}: expected one of ${ACTIONS.join(', ')}.`)
    const limit = limitOf(invocation)
    const name = known === 'list' ? null : nameOf(known, words)

    const bus = await loadBus(text(invocation, 'config'))
    try {
      if (known === 'list' || name === null) return await list(bus, invocation, limit)
      if (known === 'show') return await show(bus, invocation, name)
      return await act(known, bus, invocation, name)
    } finally {
      await bus.close()
    }
  },
}

async function list(bus: Bus, { options, terminal }: Invocation, limit: number): Promise<ExitCode> {
  const handler = options['handler']
  const found = await bus.lanes.list({
    limit,
    isBlocked: options['blocked'] === true,
    ...(typeof handler === 'string' && { handler }),
  })
  if (options['json']) {
    printJson(terminal, found)
    return 0
  }
  if (found.length > 0) printTable(terminal.out, HEADS, found.map(rowOf))
  say(terminal, `${count(found.length, 'key')}.`)
  return 0
}

function rowOf(lane: Lane): readonly string[] {
  return [
    lane.handler,
    oneLine(lane.partitionKey, 32),
    lane.status,
    lane.since.toISOString(),
    lane.behind.toLocaleString('en'),
    lane.deliveryId,
    oneLine(lane.errors.at(-1)?.message ?? ''),
  ]
}

async function show(bus: Bus, { options, terminal }: Invocation, name: LaneName): Promise<ExitCode> {
  const lane = await bus.lanes.show(name)
  if (!lane) {
    say(terminal, `Nothing waits for key "${oneLine(name.partitionKey)}" of ${name.handler}.`)
    return 1
  }
  if (options['json']) {
    printJson(terminal, [lane])
    return 0
  }
  const facts = [
    ['handler', lane.handler],
    ['key', oneLine(lane.partitionKey, 512)],
    ['queue', lane.queue],
    ['status', lane.status],
    ['since', lane.since.toISOString()],
    ['next attempt', lane.dueAt?.toISOString() ?? 'after a retry'],
    ['behind it', lane.behind.toLocaleString('en')],
    ['event', `${lane.eventType ?? 'unknown'} ${lane.eventId ?? ''}`],
    ['delivery', lane.deliveryId],
    ...lane.errors.map(({ attempt, at, message }) => [`attempt ${attempt}`, `${at} ${oneLine(message, 200)}`]),
  ] as const
  for (const [fact, value] of facts) terminal.out.write(`${fact.padEnd(13)} ${value}\n`)
  return 0
}

async function act(action: 'retry' | 'skip', bus: Bus, invocation: Invocation, name: LaneName): Promise<ExitCode> {
  const { options, terminal } = invocation
  const key = `key "${oneLine(name.partitionKey)}" of ${name.handler}`
  if (action === 'skip') {
    const question = `Make the head of ${key} a dead letter? Retried later, it runs after those that now go ahead of it.`
    if (!(await confirmed(invocation, question))) return 1
  }
  const deliveryId = await bus.lanes[action](name)
  if (options['json']) printJson(terminal, [{ deliveryId, action }])
  const done = action === 'retry' ? 'is due now' : 'is a dead letter, and the key goes on'
  say(terminal, `Delivery ${deliveryId} of ${key} ${done}.`)
  return 0
}

function nameOf(action: string, words: readonly string[]): LaneName {
  const [handler, partitionKey, ...more] = words
  if (handler !== undefined && partitionKey !== undefined && more.length === 0) return { handler, partitionKey }
  throw new UsageError(
    `lanes ${action}: expected a handler and a key, such as: postbus lanes ${action} stock.reserve order-17`,
  )
}
