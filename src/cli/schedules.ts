/** `postbus schedules list | run NAME`: lists schedules, or publishes one tick by hand. */
import type { Bus } from '../bus.ts'
import type { ScheduleStatus } from '../deliveries/schedules.ts'
import { ACT_OPTIONS, DESCRIBE_ACT, actOptionsOf } from './acting.ts'
import {
  BUS_OPTIONS,
  DESCRIBE_BUS,
  DESCRIBE_JSON,
  JSON_OPTION,
  UsageError,
  type Command,
  type ExitCode,
  type Invocation,
} from './command.ts'
import { busFor } from './load-config.ts'
import { printJson, printList, say } from './output.ts'
import { timeOf } from './times.ts'

const HEADS = ['SCHEDULE', 'CRON', 'TIME ZONE', 'LAST TICK', 'NEXT TICK', 'MISSED']

/** The default for `--by`, so that the act is recorded even if no name is given. */
const SOMEONE = 'postbus schedules'

export const schedules: Command = {
  summary: 'List schedules with their last and next ticks, or publish a tick by hand.',
  takesWords: true,
  examples: [
    ['postbus schedules list', 'every schedule, and when its next event comes'],
    ['postbus schedules run reports.daily --by ada', 'publishes its event now, beside its ticks'],
    ['postbus schedules run reports.daily --at 2026-11-28T05:00:00Z', 'the event of a tick that was missed'],
  ],
  options: { ...BUS_OPTIONS, ...JSON_OPTION, at: { type: 'string' }, ...ACT_OPTIONS },
  describe: {
    ...DESCRIBE_BUS,
    json: DESCRIBE_JSON,
    at: 'run: the tick to publish. One that was published already is passed over.',
    ...DESCRIBE_ACT,
  },

  async run(invocation) {
    const [action, name, ...more] = invocation.words
    const isList = action === 'list' && name === undefined
    if (!isList && (action !== 'run' || name === undefined || more.length > 0))
      throw new UsageError('expected: postbus schedules list, or postbus schedules run NAME')
    const at = timeOf(invocation, 'at')
    const bus = await busFor(invocation)
    try {
      return name === undefined ? await list(bus, invocation) : await run(bus, invocation, { name, at })
    } finally {
      await bus.close()
    }
  },
}

async function list(bus: Bus, invocation: Invocation): Promise<ExitCode> {
  const found = await bus.schedules.list()
  printList(invocation, found, { heads: HEADS, rowOf, one: 'schedule' })
  return 0
}

function rowOf({ name, cron, timeZone, lastTickAt, nextTickAt, missed }: ScheduleStatus): readonly string[] {
  const times = [lastTickAt, nextTickAt].map((time) => time?.toISOString() ?? '')
  return [name, cron, timeZone, ...times, missed ?? 'not in this code']
}

async function run(
  bus: Bus,
  invocation: Invocation,
  { name, at }: { readonly name: string; readonly at: Date | undefined },
): Promise<ExitCode> {
  const { options, terminal } = invocation
  const published = await bus.schedules.run(name, { by: SOMEONE, ...actOptionsOf(invocation), ...(at && { at }) })
  if (options['json']) printJson(terminal, [published])
  const { id, duplicate } = published
  say(terminal, duplicate ? `This tick was published before, as event ${id}.` : `Published event ${id}.`)
  return 0
}
