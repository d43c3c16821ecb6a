/** `postbus migrate`: installs or updates the schema and the queues, and registers what SQL may publish. */
import {
  BUS_OPTIONS,
  DESCRIBE_BUS,
  DESCRIBE_JSON,
  JSON_OPTION,
  text,
  type Command,
  type ExitCode,
  type Invocation,
} from './command.ts'
import type { Bus } from '../bus.ts'
import { safeTextOfError } from '../error-text.ts'
import { busFor, hasTenants, loadBus } from './load-config.ts'
import { count, printJson, say } from './output.ts'

export const migrate: Command = {
  summary: 'Install or update the database schema and the queues.',
  examples: [
    ['postbus migrate', 'brings the database to what this code needs; safe to repeat'],
    ['postbus migrate --dry-run', 'only says what would be done'],
    ['postbus migrate --tenant tenant_a', 'one of the tenants; without --tenant all of them, one after the other'],
    ['postbus migrate --replace-registry', 'after a deploy was taken back: SQL publishes by this code again'],
  ],
  options: {
    ...BUS_OPTIONS,
    ...JSON_OPTION,
    'dry-run': { type: 'boolean' },
    'replace-registry': { type: 'boolean' },
  },
  describe: {
    ...DESCRIBE_BUS,
    json: DESCRIBE_JSON,
    'dry-run': 'Change nothing; list the steps.',
    'replace-registry': 'Register this code for SQL publishers, also where a newer deploy has registered other code.',
  },

  async run(invocation) {
    const { options, terminal } = invocation
    const isForOne = options['tenant'] !== undefined
    const bus = await (isForOne ? busFor(invocation) : loadBus(text(invocation, 'config')))
    try {
      if (!isForOne && hasTenants(bus)) return await migrateTenants(bus, invocation)
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

/** Migrates each tenant on its own: if one fails, the others are still migrated, and the exit code reports the failure. */
async function migrateTenants(bus: Bus, { options, terminal }: Invocation): Promise<ExitCode> {
  const dryRun = options['dry-run'] === true
  const tell = (tenant: string, what: string) => say(terminal, `… ${tenant}: ${what}`)
  const migrations = await bus.tenants.migrate({ dryRun, onStep: tell, onWait: tell })
  for (const one of migrations) {
    if (one.is === 'failed') say(terminal, `${one.tenant} failed: ${safeTextOfError(one.error)}`)
    else if (options['json'])
      printJson(
        terminal,
        one.steps.map((step) => ({ tenant: one.tenant, step, done: !dryRun })),
      )
    else if (dryRun) for (const step of one.steps) terminal.out.write(`${one.tenant}: ${step}\n`)
  }
  const failed = migrations.filter(({ is }) => is === 'failed').length
  const changed = migrations.filter((one) => one.is === 'migrated' && one.steps.length > 0).length
  const what = dryRun ? 'would change' : 'changed'
  say(terminal, `${count(migrations.length, 'tenant')}: ${changed} ${what}, ${failed} failed.`)
  return failed > 0 ? 1 : 0
}
