/** `postbus deliveries complete | skip | fail ID`: reports the outcome of a delivery that waits for one. */
import type { Bus } from '../bus.ts'
import type { CompletionReport } from '../deliveries/completions.ts'
import { ACT_OPTIONS, DESCRIBE_ACT, actOptionsOf } from './acting.ts'
import {
  BUS_OPTIONS,
  DESCRIBE_BUS,
  DESCRIBE_JSON,
  JSON_OPTION,
  UsageError,
  type Command,
  type Invocation,
} from './command.ts'
import { busFor } from './load-config.ts'
import { printJson, say } from './output.ts'

const ACTIONS = ['complete', 'skip', 'fail'] as const

/** The default for `--by`, so that the act is recorded even if no name is given. */
const SOMEONE = 'postbus deliveries'

export const deliveries: Command = {
  summary: 'Report the outcome of a delivery that waits for one (awaitCompletion).',
  takesWords: true,
  examples: [
    ['postbus deliveries complete 0000000000000001-…', 'it is done, and its key goes on'],
    ['postbus deliveries skip 0000000000000001-… --by ada --reason "withdrawn"', 'there is nothing to do any more'],
    ['postbus deliveries fail 0000000000000001-… --reason "declined"', 'the attempt has failed; it is tried again'],
  ],
  options: { ...BUS_OPTIONS, ...JSON_OPTION, ...ACT_OPTIONS },
  describe: { ...DESCRIBE_BUS, json: DESCRIBE_JSON, ...DESCRIBE_ACT },

  async run(invocation) {
    const [word, id, ...more] = invocation.words
    const action = ACTIONS.find((one) => one === word)
    if (!action || id === undefined || more.length > 0)
      throw new UsageError('expected: postbus deliveries complete ID | skip ID | fail ID. See: postbus events show ID')
    const { by = SOMEONE, reason } = actOptionsOf(invocation)
    if (action === 'complete' && reason !== undefined)
      throw new UsageError('deliveries complete: takes no --reason: what is done needs none.')
    if (action === 'fail' && reason === undefined) throw new UsageError('deliveries fail: say why with --reason.')

    const bus = await busFor(invocation)
    try {
      return report(invocation, id, await tell(bus, action, { id, by, reason }))
    } finally {
      await bus.close()
    }
  },
}

function tell(
  bus: Bus,
  action: (typeof ACTIONS)[number],
  { id, by, reason }: { readonly id: string; readonly by: string; readonly reason: string | undefined },
): Promise<CompletionReport> {
  if (action === 'complete') return bus.deliveries.complete(id, { by })
  if (action === 'skip') return bus.deliveries.skip(id, { by, ...(reason !== undefined && { reason }) })
  return bus.deliveries.fail(id, reason ?? '', { by })
}

function report({ options, terminal }: Invocation, id: string, { isApplied, state }: CompletionReport): 0 | 1 {
  if (options['json']) printJson(terminal, [{ deliveryId: id, isApplied, state }])
  say(terminal, isApplied ? `Delivery ${id} is ${state} now.` : `Nothing was changed: delivery ${id} is ${state}.`)
  return isApplied ? 0 : 1
}
