/** `postbus acts`: what operators did. */
import { ACT_NAMES } from '../deliveries/acts.ts'
import type { ActFilter, RecordedAct } from '../deliveries/act-log.ts'
import {
  BUS_OPTIONS,
  DESCRIBE_BUS,
  DESCRIBE_JSON,
  JSON_OPTION,
  UsageError,
  text,
  type Command,
  type Invocation,
} from './command.ts'
import { busFor } from './load-config.ts'
import { oneLine, printList } from './output.ts'
import { DESCRIBE_PAGE, PAGE_OPTIONS, pageOptionsOf, sayMore } from './paging.ts'
import { timeOf } from './times.ts'

const HEADS = ['BEGAN AT', 'ACT', 'COUNT', 'BY', 'FOR', 'REASON']

export const acts: Command = {
  summary: 'List what operators did: who, when, why, and to how many.',
  examples: [
    ['postbus acts', 'the latest first'],
    ['postbus acts --act deadLetters.retry --since 2026-03-01 --json', 'only retries of dead letters, for a program'],
  ],
  options: {
    ...BUS_OPTIONS,
    ...JSON_OPTION,
    act: { type: 'string' },
    by: { type: 'string' },
    since: { type: 'string' },
    until: { type: 'string' },
    ...PAGE_OPTIONS,
  },
  describe: {
    ...DESCRIBE_BUS,
    json: DESCRIBE_JSON,
    act: `Only this kind: ${ACT_NAMES.join(', ')}.`,
    by: 'Only acts by this person.',
    since: 'Only acts that began at this time or later, such as 2026-03-01 or 2026-03-01T12:00:00Z.',
    until: 'Only acts that began before this time.',
    ...DESCRIBE_PAGE,
  },

  async run(invocation) {
    const query = { ...pageOptionsOf(invocation), ...filterOf(invocation) }
    const bus = await busFor(invocation)
    try {
      const { acts: found, cursor } = await bus.acts.list(query)
      printList(invocation, found, { heads: HEADS, rowOf, one: 'act' })
      sayMore(invocation, cursor)
      return 0
    } finally {
      await bus.close()
    }
  },
}

function filterOf(invocation: Invocation): ActFilter {
  const given = text(invocation, 'act')
  const act = ACT_NAMES.find((name) => name === given)
  if (given !== undefined && !act) throw new UsageError(`--act ${given}: expected one of ${ACT_NAMES.join(', ')}.`)
  const by = text(invocation, 'by')
  const since = timeOf(invocation, 'since')
  const until = timeOf(invocation, 'until')
  return { ...(act && { act }), ...(by !== undefined && { by }), ...(since && { since }), ...(until && { until }) }
}

function rowOf(act: RecordedAct): readonly string[] {
  return [
    act.beganAt.toISOString(),
    act.act,
    act.count.toLocaleString('en'),
    oneLine(act.by ?? '', 32),
    oneLine(JSON.stringify(act.filter), 60),
    oneLine(act.reason ?? ''),
  ]
}
