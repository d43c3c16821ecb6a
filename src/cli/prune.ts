/** `postbus prune`: deletes now what workers would delete in time. */
import { CONFIG_OPTION, DESCRIBE_CONFIG, DESCRIBE_JSON, JSON_OPTION, text, type Command } from './command.ts'
import { loadBus } from './load-config.ts'
import { count, printJson, say } from './output.ts'

export const prune: Command = {
  summary: 'Delete events past their retention or their ttl now, as workers do in time.',
  examples: [
    ['postbus prune --dry-run', 'says how many events would go, and changes nothing'],
    ['postbus prune', 'deletes them'],
  ],
  options: { ...CONFIG_OPTION, ...JSON_OPTION, 'dry-run': { type: 'boolean' } },
  describe: { config: DESCRIBE_CONFIG, json: DESCRIBE_JSON, 'dry-run': 'Only say how many events would go.' },

  async run(invocation) {
    const { options, terminal } = invocation
    const dryRun = options['dry-run'] === true
    const bus = await loadBus(text(invocation, 'config'))
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
