/** `postbus log`: shows how far handlers that read the log have come, moves one back or on, and forgets one whose code is gone. */
import type { Bus } from '../bus.ts'
import type { ActReport } from '../deliveries/acts.ts'
import type { LogProgress } from '../deliveries/log-cursors.ts'
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
import { printJson, printList, say } from './output.ts'

const HEADS = ['HANDLER', 'BEHIND', 'SECONDS', 'SHARDS READ', 'POSITION', 'MOVED AT', 'CHANGE']
const ACTIONS = ['list', 'rewind', 'skip-to', 'forget'] as const

export const log: Command = {
  summary: 'Show how far handlers that read the log have come, and move one back or on.',
  takesWords: true,
  examples: [
    ['postbus log list', 'the handlers that lag most come first'],
    ['postbus log rewind search.index --to 0198c0de-… --by ada', 'reads the log again from that event on'],
    ['postbus log skip-to search.index --to end', 'goes on with what is published from now on'],
    ['postbus log forget search.index', 'after its code is gone: its cursors hold back retention'],
  ],
  options: {
    ...BUS_OPTIONS,
    ...JSON_OPTION,
    to: { type: 'string' },
    ...ACT_OPTIONS,
    yes: { type: 'boolean', short: 'y' },
  },
  describe: {
    ...DESCRIBE_BUS,
    json: DESCRIBE_JSON,
    to: 'rewind, skip-to: the id of the next event to read. skip-to also takes `end`.',
    ...DESCRIBE_ACT,
    yes: 'Do not ask.',
  },

  async run(invocation) {
    const [action, handler, ...more] = invocation.words
    const known = ACTIONS.find((name) => name === action)
    if (!known) throw new UsageError(`log ${action ?? ''}: expected one of ${ACTIONS.join(', ')}.`)
    if (more.length > 0 || (known === 'list') !== (handler === undefined))
      throw new UsageError(
        known === 'list' ? 'log list takes no words.' : `log ${known}: say which handler: log ${known} HANDLER.`,
      )
    const act = known === 'list' || handler === undefined ? null : chosen(known, handler, invocation)
    const bus = await busFor(invocation)
    try {
      return await (act === null ? list(bus, invocation) : run(bus, act, invocation))
    } finally {
      await bus.close()
    }
  },
}

async function list(bus: Bus, invocation: Invocation): Promise<ExitCode> {
  const found = await bus.log.list()
  printList(invocation, found, { heads: HEADS, rowOf, one: 'handler' })
  return 0
}

function rowOf({ handler, lag, read, shards, position, movedAt, change }: LogProgress): readonly string[] {
  const behind = lag.events.toLocaleString('en')
  return [handler, behind, lag.seconds.toFixed(1), `${read}/${shards}`, position, movedAt.toISOString(), change ?? '']
}

interface Chosen {
  readonly question: string
  readonly done: string
  run(bus: Bus): Promise<ActReport>
}

function chosen(action: 'rewind' | 'skip-to' | 'forget', handler: string, invocation: Invocation): Chosen {
  const how = actOptionsOf(invocation)
  if (action === 'forget') {
    return {
      question: `Forget how far ${handler} has come? If its code comes back, it begins at the end of the log.`,
      done: `${handler} is forgotten.`,
      run: (bus) => bus.log.forget({ handler }, how),
    }
  }
  const to = text(invocation, 'to')
  if (to === undefined) throw new UsageError(`log ${action}: say which event is to be next: --to EVENT-ID.`)
  if (action === 'rewind') {
    return {
      question: `Let ${handler} read the log again from that event on?`,
      done: `${handler} reads the log again from that event on.`,
      run: (bus) => bus.log.rewind({ handler, to }, how),
    }
  }
  return {
    question: `Let ${handler} pass over everything before that, without handling it?`,
    done: `${handler} goes on there.`,
    run: (bus) => bus.log.skipTo({ handler, to }, how),
  }
}

async function run(bus: Bus, { question, done, run: act }: Chosen, invocation: Invocation): Promise<ExitCode> {
  const { options, terminal } = invocation
  if (!(await confirmed(invocation, question))) return 1
  const { count: shards } = await act(bus)
  if (options['json']) printJson(terminal, [{ count: shards }])
  say(terminal, shards === 0 ? 'Nothing was moved: all of it stands there, or beyond.' : done)
  return 0
}
