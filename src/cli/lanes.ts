/** `postbus lanes`: shows partition keys that are blocked or wait, for an operator; `lane-acts.ts` acts on them. */
import type { Bus } from '../bus.ts'
import type { Lane, LaneName, LaneState } from '../deliveries/lanes.ts'
import type { PageOptions } from '../deliveries/page.ts'
import { ACT_OPTIONS, DESCRIBE_ACT } from './acting.ts'
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
import { actOnLane, LANE_ACT_NAMES } from './lane-acts.ts'
import { retryAll, retryingAll } from './lanes-retry-all.ts'
import { busFor } from './load-config.ts'
import { oneLine, printJson, printList, say } from './output.ts'
import { DESCRIBE_PAGE, PAGE_OPTIONS, pageOptionsOf, sayMore } from './paging.ts'

const ACTIONS = ['list', 'show', ...LANE_ACT_NAMES] as const
const STATES = ['blocked', 'retrying', 'running', 'waiting'] as const satisfies readonly LaneState[]
const HEADS = ['HANDLER', 'KEY', 'STATE', 'SINCE', 'BEHIND', 'HEAD', 'LAST ERROR']

export const lanes: Command = {
  summary: 'List partition keys that stand still or wait, and act on one, or on all that are blocked.',
  takesWords: true,
  examples: [
    ['postbus lanes list', 'blocked keys first, then the keys that have waited longest'],
    ['postbus lanes list --state blocked --json', 'only keys that a dead delivery blocks, for a program'],
    ['postbus lanes show stock.reserve order-17', 'what stands at the head of a key, with its errors'],
    ['postbus lanes retry stock.reserve order-17', 'tries the head again now'],
    [
      'postbus lanes retry --handler stock.reserve --error ECONNREFUSED --preview',
      'says how many blocked keys a retry of all would touch',
    ],
    [
      'postbus lanes retry --handler stock.reserve --error ECONNREFUSED --rate 50 --yes',
      'retries their heads, 50 in a second; the same command goes on with the rest',
    ],
    ['postbus lanes skip-head stock.reserve order-17', 'makes the head a dead letter; the key goes on with the next'],
    [
      'postbus lanes rewind stock.reserve order-17 --from 0198c0de-… --by ada',
      'runs the key again from that event on, in order',
    ],
    ['postbus lanes repair stock.reserve order-17', 'after skip-head: runs the key again from the skipped event on'],
  ],
  options: {
    ...BUS_OPTIONS,
    ...JSON_OPTION,
    handler: { type: 'string' },
    state: { type: 'string' },
    error: { type: 'string' },
    all: { type: 'boolean' },
    preview: { type: 'boolean' },
    rate: { type: 'string' },
    from: { type: 'string' },
    ...PAGE_OPTIONS,
    ...ACT_OPTIONS,
    yes: { type: 'boolean', short: 'y' },
  },
  describe: {
    ...DESCRIBE_BUS,
    json: DESCRIBE_JSON,
    handler: 'list, retry: only keys of this handler.',
    state: `list: only keys whose head is ${STATES.join(', ')}.`,
    error: 'retry: blocked keys whose head died of this: a code or a name, such as ECONNREFUSED or TypeError.',
    all: 'retry: every blocked key.',
    preview: 'retry of many, rewind, repair: only say how many would be touched.',
    from: 'rewind: the id of the first event that runs again.',
    rate: 'retry: no more keys than these in a second. Default: as fast as it goes.',
    ...DESCRIBE_PAGE,
    limit: `${DESCRIBE_PAGE.limit} retry: at most this many keys, the oldest events first. Default: all.`,
    ...DESCRIBE_ACT,
    yes: 'Do not ask.',
  },

  async run(invocation) {
    const [action, ...words] = invocation.words
    const known = ACTIONS.find((name) => name === action)
    if (!known) throw new UsageError(`lanes ${action ?? ''}: expected one of ${ACTIONS.join(', ')}.`)
    const query = known === 'list' ? { ...pageOptionsOf(invocation), ...stateOf(invocation) } : {}
    const many = known === 'retry' ? retryingAll(invocation) : null
    const name = known === 'list' || many ? null : nameOf(known, words)
    if (name && invocation.options['preview'] && (known === 'retry' || known === 'skip-head'))
      throw new UsageError(`lanes ${known}: there is nothing to preview. See: postbus lanes show HANDLER KEY`)

    const bus = await busFor(invocation)
    try {
      if (many) return await retryAll(bus, invocation, many)
      if (known === 'list' || name === null) return await list(bus, invocation, query)
      if (known === 'show') return await show(bus, invocation, name)
      return await actOnLane(known, bus, invocation, name)
    } finally {
      await bus.close()
    }
  },
}

type Query = PageOptions & { readonly state?: LaneState }

function stateOf(invocation: Invocation): Query {
  const given = text(invocation, 'state')
  if (given === undefined) return {}
  const state = STATES.find((known) => known === given)
  if (state) return { state }
  throw new UsageError(`--state ${given}: expected one of ${STATES.join(', ')}.`)
}

async function list(bus: Bus, invocation: Invocation, query: Query): Promise<ExitCode> {
  const handler = text(invocation, 'handler')
  const { lanes: found, cursor } = await bus.lanes.list({ ...query, ...(handler !== undefined && { handler }) })
  printList(invocation, found, { heads: HEADS, rowOf, one: 'key' })
  sayMore(invocation, cursor)
  return 0
}

function rowOf(lane: Lane): readonly string[] {
  return [
    lane.handler,
    oneLine(lane.partitionKey, 32),
    lane.isPaused ? `${lane.state}, paused` : lane.state,
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
    ['state', lane.isPaused ? `${lane.state}, paused` : lane.state],
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

function nameOf(action: string, words: readonly string[]): LaneName {
  const [handler, partitionKey, ...more] = words
  if (handler !== undefined && partitionKey !== undefined && more.length === 0) return { handler, partitionKey }
  throw new UsageError(
    `lanes ${action}: expected a handler and a key, such as: postbus lanes ${action} stock.reserve order-17`,
  )
}
