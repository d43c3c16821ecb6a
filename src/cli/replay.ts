/** `postbus replay`: gives stored events to one handler again, for an operator. */
import type { Bus } from '../bus.ts'
import { delay } from '../clock.ts'
import type { Replay, ReplayProgress } from '../deliveries/replays.ts'
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
import { DESCRIBE_LOG, LOG_OPTIONS, logFilterOf } from './log-options.ts'
import { count, printJson, printTable, say } from './output.ts'

const HEADS = ['REPLAY', 'BEGAN AT', 'HANDLER', 'STATE', 'LOOKED AT', 'GIVEN', 'WAITING', 'BY']
const SAY_EVERY_MS = 2_000
const ACTIONS = ['resume', 'pause', 'cancel'] as const

export const replay: Command = {
  summary: 'Give stored events to one handler again, in order.',
  examples: [
    ['postbus replay --handler search.index --dry-run', 'how many events would be replayed'],
    ['postbus replay --handler search.index --type orders.* --since 2026-05-01', 'events since that day, in order'],
    ['postbus replay --handler search.index --key order-17 --by ada', 'events of one key'],
    ['postbus replay --list', 'replays that run or have ended, the latest first'],
    ['postbus replay --resume 0b0e…', 'goes on with one that was paused, or whose process has died'],
  ],
  options: {
    ...BUS_OPTIONS,
    ...JSON_OPTION,
    handler: { type: 'string' },
    ...LOG_OPTIONS,
    rate: { type: 'string' },
    'refuse-pending': { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    list: { type: 'boolean' },
    resume: { type: 'string' },
    pause: { type: 'string' },
    cancel: { type: 'string' },
    ...ACT_OPTIONS,
    yes: { type: 'boolean', short: 'y' },
  },
  describe: {
    ...DESCRIBE_BUS,
    json: DESCRIBE_JSON,
    handler: 'The handler that gets the events again.',
    ...DESCRIBE_LOG,
    rate: 'At most this many events a second.',
    'refuse-pending': 'Replay nothing when any of these deliveries waits or runs. Default: pass over them.',
    'dry-run': 'Only say how many events would be replayed.',
    list: 'List replays.',
    resume: 'Go on with this replay, here.',
    pause: 'Give no more events until it is resumed.',
    cancel: 'Give no more events, for good.',
    ...DESCRIBE_ACT,
    yes: 'Do not ask.',
  },

  async run(invocation) {
    const does = actionOf(invocation)
    const begin = does === null ? beginningOf(invocation) : null
    const bus = await busFor(invocation)
    try {
      if (begin !== null) return await begin(bus)
      if (does === 'list' || does === null) return await list(bus, invocation)
      const id = text(invocation, does) ?? ''
      if (does === 'resume') return await follow(await bus.replays.resume(id), invocation)
      await bus.replays[does](id)
      say(invocation.terminal, `Replay ${id} is ${does === 'pause' ? 'paused' : 'cancelled'}.`)
      return 0
    } finally {
      await bus.close()
    }
  },
}

function actionOf(invocation: Invocation): 'list' | (typeof ACTIONS)[number] | null {
  const given = [
    ...(invocation.options['list'] ? (['list'] as const) : []),
    ...ACTIONS.filter((action) => text(invocation, action) !== undefined),
  ]
  const handler = text(invocation, 'handler')
  if (given.length + (handler === undefined ? 0 : 1) === 1) return given[0] ?? null
  throw new UsageError('replay: expected --handler NAME, or one of --list, --resume ID, --pause ID, --cancel ID.')
}

/** Checks the options before the configuration is loaded. */
function beginningOf(invocation: Invocation): (bus: Bus) => Promise<ExitCode> {
  const { options, terminal } = invocation
  const handler = text(invocation, 'handler') ?? ''
  const rate = rateOf(invocation)
  const query = {
    handler,
    ...logFilterOf(invocation),
    ...(rate !== undefined && { ratePerSecond: rate }),
    ...(options['refuse-pending'] === true && { pending: 'refuse' as const }),
  }
  return async (bus) => {
    const preview = await bus.replay({ ...query, dryRun: true })
    if (options['dry-run']) {
      if (options['json']) printJson(terminal, [preview])
      const { matching, skipped, retried } = preview
      say(
        terminal,
        `${handler} would get ${count(preview.count, 'event')} again, of ${matching.toLocaleString('en')} that match: ` +
          `${retried} as the retry of a dead letter. ${skipped} wait or run, and would be passed over.`,
      )
      return 0
    }
    if (!(await confirmed(invocation, `Give ${count(preview.count, 'event')} to ${handler} again?`))) return 1
    return follow(await bus.replay(query, actOptionsOf(invocation)), invocation)
  }
}

function rateOf(invocation: Invocation): number | undefined {
  const given = text(invocation, 'rate')
  if (given === undefined) return undefined
  const rate = Number(given)
  if (rate >= 0.01 && rate <= 100_000) return rate
  throw new UsageError(`--rate ${given}: expected a number of events a second, from 0.01 to 100,000.`)
}

async function follow(running: Replay, { options, terminal }: Invocation): Promise<ExitCode> {
  say(terminal, `Replay ${running.id}. Should this process end: npx postbus replay --resume ${running.id}`)
  const ended = running.done.then(
    () => true,
    () => true,
  )
  while (!(await Promise.race([ended, delay(SAY_EVERY_MS).then(() => false)]))) {
    say(terminal, progressIn(await running.progress()))
  }
  const end = await running.done
  if (options['json']) printJson(terminal, [end])
  say(terminal, progressIn(end))
  return end.state === 'done' ? 0 : 1
}

function progressIn({
  state,
  examined,
  matching,
  count: given,
  skipped,
  waiting,
  remainingMs,
}: ReplayProgress): string {
  const number = (value: number) => value.toLocaleString('en')
  const left =
    state === 'running' && remainingMs !== null ? `, about ${number(Math.ceil(remainingMs / 1_000))} s left` : ''
  const passed = skipped > 0 ? `, ${number(skipped)} passed over` : ''
  return `${state}: looked at ${number(examined)} of ${number(matching)}, ${number(given)} given${passed}, ${number(waiting)} of them wait or run${left}.`
}

async function list(bus: Bus, { options, terminal }: Invocation): Promise<ExitCode> {
  const replays = await bus.replays.list()
  if (options['json']) printJson(terminal, replays)
  else if (replays.length > 0) printTable(terminal.out, HEADS, replays.map(rowOf))
  say(terminal, `${count(replays.length, 'replay')}.`)
  return 0
}

function rowOf(one: ReplayProgress): readonly string[] {
  const number = (value: number) => value.toLocaleString('en')
  return [
    one.id,
    one.beganAt.toISOString(),
    one.handler,
    one.state,
    `${number(one.examined)} of ${number(one.matching)}`,
    number(one.count),
    number(one.waiting),
    one.by ?? '',
  ]
}
