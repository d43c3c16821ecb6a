/** `postbus pause` and `postbus resume`: stop handlers, queues and keys from beginning new work, and let them go on. */
import type { Bus } from '../bus.ts'
import type { ActOptions, ActReport } from '../deliveries/acts.ts'
import type { Pause } from '../deliveries/pauses.ts'
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
import { busFor } from './load-config.ts'
import { oneLine, printJson, printList, say } from './output.ts'
import { DESCRIBE_PAGE, PAGE_OPTIONS, pageOptionsOf, sayMore } from './paging.ts'

const HEADS = ['PAUSED AT', 'HANDLER', 'KEY', 'QUEUE', 'BY', 'REASON']

const OPTIONS = {
  ...BUS_OPTIONS,
  ...JSON_OPTION,
  handler: { type: 'string' },
  key: { type: 'string' },
  queue: { type: 'string' },
  ...ACT_OPTIONS,
} as const

const DESCRIBE = {
  ...DESCRIBE_BUS,
  json: DESCRIBE_JSON,
  handler: 'This handler, in every process.',
  key: 'Only this partition key of the handler.',
  queue: 'This queue, as handlers name it; its deliveries with a key too.',
  ...DESCRIBE_ACT,
}

export const pause: Command = {
  summary: 'Pause a handler, a queue or a key in every process, or list what is paused.',
  takesWords: true,
  examples: [
    ['postbus pause list', 'what is paused, since when, and by whom'],
    ['postbus pause --handler finances.create-invoice --by ada --reason "wrong tax rate"', 'a handler'],
    ['postbus pause --handler stock.reserve --key order-17', 'one key of a handler; its other keys go on'],
    ['postbus pause --queue mail', 'all handlers of a queue'],
  ],
  options: { ...OPTIONS, ...PAGE_OPTIONS },
  describe: { ...DESCRIBE, ...DESCRIBE_PAGE },

  run(invocation) {
    const [word, ...more] = invocation.words
    if (word === undefined) return act('pause', invocation)
    if (word === 'list' && more.length === 0) return list(invocation)
    throw new UsageError(`pause ${word}: expected list, or --handler NAME, --queue NAME.`)
  },
}

export const resume: Command = {
  summary: 'Resume what is paused: what has waited runs in order.',
  examples: [
    ['postbus resume --handler finances.create-invoice --by ada', 'a handler'],
    ['postbus resume --handler stock.reserve --key order-17', 'one key'],
    ['postbus resume --queue mail', 'a queue'],
  ],
  options: OPTIONS,
  describe: DESCRIBE,
  run: (invocation) => act('resume', invocation),
}

async function list(invocation: Invocation): Promise<ExitCode> {
  const page = pageOptionsOf(invocation)
  return withBus(invocation, async (bus) => {
    const { pauses, cursor } = await bus.pauses(page)
    printList(invocation, pauses, { heads: HEADS, rowOf, one: 'pause' })
    sayMore(invocation, cursor)
    return 0
  })
}

function rowOf({ pausedAt, handler, partitionKey, queue, by, reason }: Pause): readonly string[] {
  const key = oneLine(partitionKey ?? '', 32)
  return [pausedAt.toISOString(), handler ?? '', key, queue ?? '', oneLine(by ?? '', 32), oneLine(reason ?? '')]
}

async function act(action: 'pause' | 'resume', invocation: Invocation): Promise<ExitCode> {
  const { options, terminal } = invocation
  const { what, run } = chosen(action, invocation)
  return withBus(invocation, async (bus) => {
    const { count: touched } = await run(bus, actOptionsOf(invocation))
    if (options['json']) printJson(terminal, [{ action, count: touched }])
    const did = action === 'pause' ? 'is paused' : 'goes on'
    const not = action === 'pause' ? 'was paused already' : 'was not paused'
    say(terminal, `${what} ${touched === 0 ? not : did}.`)
    return 0
  })
}

interface Chosen {
  /** What is paused or resumed, in words for the beginning of a sentence. */
  readonly what: string
  run(bus: Bus, how: ActOptions): Promise<ActReport>
}

function chosen(action: 'pause' | 'resume', invocation: Invocation): Chosen {
  const handler = text(invocation, 'handler')
  const partitionKey = text(invocation, 'key')
  const queue = text(invocation, 'queue')
  if ((handler === undefined) === (queue === undefined) || (partitionKey !== undefined && handler === undefined)) {
    throw new UsageError(`${action}: say what: --handler NAME, --handler NAME --key KEY, or --queue NAME.`)
  }
  if (handler === undefined) {
    return { what: `Queue ${queue}`, run: (bus, how) => bus[action]({ queue: String(queue) }, how) }
  }
  if (partitionKey === undefined) {
    return { what: `Handler ${handler}`, run: (bus, how) => bus[action]({ handler }, how) }
  }
  const what = `Key "${oneLine(partitionKey)}" of ${handler}`
  return { what, run: (bus, how) => bus.lanes[action]({ handler, partitionKey }, how) }
}

async function withBus(invocation: Invocation, work: (bus: Bus) => Promise<ExitCode>): Promise<ExitCode> {
  const bus = await busFor(invocation)
  try {
    return await work(bus)
  } finally {
    await bus.close()
  }
}
