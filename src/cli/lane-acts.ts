/** `postbus lanes retry | skip-head | rewind | repair HANDLER KEY`: acts on one key. `postbus pause` pauses a key. */
import type { Bus } from '../bus.ts'
import type { ActOptions, ActReport } from '../deliveries/acts.ts'
import type { LaneName } from '../deliveries/lanes.ts'
import { actOptionsOf } from './acting.ts'
import { UsageError, text, type ExitCode, type Invocation } from './command.ts'
import { confirmed } from './confirm.ts'
import { oneLine, printJson, say } from './output.ts'

interface LaneAct {
  /** Asked before the act; left out if the act can be undone. */
  readonly question?: (key: string) => string
  run(bus: Bus, lane: LaneName, how: ActOptions, invocation: Invocation): Promise<ActReport>
  done(key: string, count: number): string
  /** Says why nothing was touched. */
  nothing(key: string): string
}

const TAKEN = (key: string) => `The head of ${key} was taken by a worker or an operator meanwhile.`

const LANE_ACTS = {
  retry: {
    run: (bus, lane, how) => bus.lanes.retry(lane, how),
    done: (key) => `The head of ${key} is due now.`,
    nothing: TAKEN,
  },
  'skip-head': {
    question: (key) =>
      `Make the head of ${key} a dead letter? If you retry it later, it runs after the deliveries that now go ahead of it.`,
    run: (bus, lane, how) => bus.lanes.skipHead(lane, how),
    done: (key) => `The head of ${key} is a dead letter, and the key goes on.`,
    nothing: TAKEN,
  },
  rewind: {
    question: (key) => `Run the events of ${key} again from that one on?`,
    run: (bus, lane, how, invocation) =>
      bus.lanes.rewind({ ...lane, from: fromOf(invocation) }, { ...how, ...previewOf(invocation) }),
    done: (key, count) => `${cameBack(count)} of ${key}, in order, before what waits.`,
    nothing: (key) => `Nothing of ${key} was over since that event: what waits comes in its turn.`,
  },
  repair: {
    question: (key) => `Run the events of ${key} again from the one that was skipped on?`,
    run: (bus, lane, how, invocation) => bus.lanes.repair(lane, { ...how, ...previewOf(invocation) }),
    done: (key, count) => `${cameBack(count)} of ${key}, in order, before what waits.`,
    nothing: (key) => `No dead letter of ${key} is open: nothing to repair.`,
  },
} satisfies Record<string, LaneAct>

function cameBack(count: number): string {
  return count === 1 ? '1 delivery comes back' : `${count.toLocaleString('en')} deliveries come back`
}

function previewOf({ options }: Invocation) {
  return { preview: options['preview'] === true }
}

function fromOf(invocation: Invocation): string {
  const from = text(invocation, 'from')
  if (from !== undefined) return from
  throw new UsageError('lanes rewind: say from which event on: --from EVENT-ID.')
}

export type LaneActName = keyof typeof LANE_ACTS

export const LANE_ACT_NAMES = Object.keys(LANE_ACTS) as LaneActName[]

export async function actOnLane(
  action: LaneActName,
  bus: Bus,
  invocation: Invocation,
  lane: LaneName,
): Promise<ExitCode> {
  const { options, terminal } = invocation
  const act: LaneAct = LANE_ACTS[action]
  const key = `key "${oneLine(lane.partitionKey)}" of ${lane.handler}`
  const isPreview = options['preview'] === true
  if (action === 'rewind') fromOf(invocation)
  if (!isPreview && act.question && !(await confirmed(invocation, act.question(key)))) return 1

  const { count } = await act.run(bus, lane, actOptionsOf(invocation), invocation)
  if (options['json']) printJson(terminal, [{ action, ...(isPreview && { preview: true }), count }])
  say(terminal, `${isPreview ? 'Preview: ' : ''}${count === 0 ? act.nothing(key) : act.done(key, count)}`)
  return count === 0 ? 1 : 0
}
