/** `postbus prune`: deletes now what workers would delete later. */
import { BUS_OPTIONS, DESCRIBE_BUS, DESCRIBE_JSON, JSON_OPTION, type Command } from './command.ts'
import { busFor } from './load-config.ts'
import { count, printJson, say } from './output.ts'

export const prune: Command = {
  summary: 'Delete events past their retention or their ttl now, as workers do in time.',
  examples: [
    ['postbus prune --dry-run', 'says how many events would go, and changes nothing'],
    ['postbus prune', 'deletes them'],
  ],
  options: { ...BUS_OPTIONS, ...JSON_OPTION, 'dry-run': { type: 'boolean' } },
  describe: { ...DESCRIBE_BUS, json: DESCRIBE_JSON, 'dry-run': 'Only say how many events would go.' },

  async run(invocation) {
    const { options, terminal } = invocation
    const dryRun = options['dry-run'] === true
    const bus = await busFor(invocation)
    try {
      const { events } = await bus.prune({ dryRun })
      if (options['json']) printJson(terminal, [{ dryRun, events }])
      say(terminal, `${count(events, 'event')} ${dryRun ? 'would be' : events === 1 ? 'was' : 'were'} deleted.`)
      return 0
    } finally {
      await bus.close()
    }
  },
}
