/** `postbus backlog`: shows how many deliveries wait, run or are blocked at this moment, by handler. */
import type { HandlerBacklog } from '../deliveries/backlog.ts'
import { BUS_OPTIONS, DESCRIBE_BUS, DESCRIBE_JSON, JSON_OPTION, type Command } from './command.ts'
import { busFor } from './load-config.ts'
import { printList, say } from './output.ts'

const HEADS = [
  'HANDLER',
  'WAITING',
  'RUNNING',
  'RETRYING',
  'LATER',
  'PARKED',
  'BLOCKED KEYS',
  'DEAD',
  'OLDEST WAITS',
  'LOG LAG',
]

export const backlog: Command = {
  summary: 'Show what waits, runs and stands still, by handler.',
  examples: [
    ['postbus backlog', 'the handler whose oldest delivery has waited longest first'],
    ['postbus backlog --json', 'every number, with what is snoozed and what waits to be told how it ended'],
  ],
  options: { ...BUS_OPTIONS, ...JSON_OPTION, exact: { type: 'boolean' } },
  describe: {
    ...DESCRIBE_BUS,
    json: DESCRIBE_JSON,
    exact: 'Count everything, also where more than 100,000 deliveries wait; else a sample of them is counted.',
  },

  async run(invocation) {
    const bus = await busFor(invocation)
    try {
      const { handlers, isEstimate } = await bus.backlog({ exact: invocation.options['exact'] === true })
      const byAge = handlers.toSorted((one, other) => waited(other) - waited(one))
      printList(invocation, byAge, { heads: HEADS, rowOf, one: 'handler' })
      if (isEstimate)
        say(invocation.terminal, 'Much waits, so a sample was counted: these are estimates. Count all: --exact')
      return 0
    } finally {
      await bus.close()
    }
  },
}

function waited({ oldestWaitingMs, log }: HandlerBacklog): number {
  return Math.max(oldestWaitingMs ?? 0, 1_000 * (log?.seconds ?? 0))
}

function rowOf(one: HandlerBacklog): readonly string[] {
  const { waiting, running, retrying, later, snoozed, awaiting, parked, blockedKeys, dead } = one
  const counts = [waiting, running, retrying, later + snoozed + awaiting, parked, blockedKeys, dead]
  const oldest = one.oldestWaitingMs === null ? '' : `${(one.oldestWaitingMs / 1_000).toFixed(1)} s`
  const lag = one.log === null ? '' : `${one.log.events.toLocaleString('en')} in ${one.log.seconds.toFixed(1)} s`
  return [one.handler, ...counts.map((count) => count.toLocaleString('en')), oldest, lag]
}
