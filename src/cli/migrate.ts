/** `postbus migrate`: installs or updates the schema and the queues, and registers what SQL may publish. */
import { CONFIG_OPTION, DESCRIBE_CONFIG, DESCRIBE_JSON, JSON_OPTION, text, type Command } from './command.ts'
import { loadBus } from './load-config.ts'
import { count, printJson, say } from './output.ts'

export const migrate: Command = {
  summary: 'Install or update the database schema and the queues.',
  examples: [
    ['postbus migrate', 'brings the database to what this code needs; safe to repeat'],
    ['postbus migrate --dry-run', 'only says what would be done'],
    ['postbus migrate --replace-registry', 'after a deploy was taken back: SQL publishes by this code again'],
  ],
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    'dry-run': { type: 'boolean' },
    'replace-registry': { type: 'boolean' },
  },
  describe: {
    config: DESCRIBE_CONFIG,
    json: DESCRIBE_JSON,
    'dry-run': 'Change nothing; list the steps.',
    'replace-registry': 'Register this code for SQL publishers, also where a newer deploy has registered other code.',
  },

  async run(invocation) {
    const { options, terminal } = invocation
    const bus = await loadBus(text(invocation, 'config'))
    try {
      const dryRun = options['dry-run'] === true
      const tell = (what: string) => say(terminal, `… ${what}`)
      const replaceRegistry = options['replace-registry'] === true
      const how = { dryRun, replaceRegistry, onStep: tell, onWait: tell }
      const { steps, registryKept } = await bus.migrate(how)
      if (registryKept !== null) say(terminal, `! ${registryKept}`)
      if (options['json'])
        printJson(
          terminal,
          steps.map((step) => ({ step, done: !dryRun })),
        )
      else if (dryRun) for (const step of steps) terminal.out.write(`${step}\n`)
      if (steps.length === 0) {
        if (registryKept === null) say(terminal, 'Nothing to do: the schema and the queues are up to date.')
      } else
        say(
          terminal,
          dryRun ? `${count(steps.length, 'step')} would be taken.` : `Done: ${count(steps.length, 'step')}.`,
        )
      return 0
    } finally {
      await bus.close()
    }
  },
}
