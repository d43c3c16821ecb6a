/** `postbus types snapshot | check | sql`: writes this code's event types and handlers to a file to commit, and says what has changed. */
import { readFile, writeFile } from 'node:fs/promises'
import { PostbusError } from '../errors.ts'
import { checkTypes, type TypesReport } from '../evolution/check-types.ts'
import type { TypesFinding } from '../evolution/finding.ts'
import { parseSnapshot, snapshotOf, snapshotText } from '../evolution/snapshot.ts'
import type { Registry } from '../handlers/registry.ts'
import { partsOf } from '../publishing/backend-override.ts'
import {
  CONFIG_OPTION,
  DESCRIBE_CONFIG,
  JSON_OPTION,
  UsageError,
  text,
  type Command,
  type ExitCode,
  type Invocation,
  type Terminal,
} from './command.ts'
import { loadBus } from './load-config.ts'
import { colored, count, printJson, say } from './output.ts'
import { listForSql } from './types-sql.ts'

const ACTIONS = ['snapshot', 'check', 'sql'] as const
const DEFAULT_FILE = 'postbus-types.json'

export const types: Command = {
  summary: 'Write the event types and handlers to a file, check what has changed since, or list what SQL may publish.',
  takesWords: true,
  examples: [
    ['postbus types snapshot', `writes ${DEFAULT_FILE}: commit it with what you deploy`],
    ['postbus types check', 'compares this code with it; exit code 3 for what would not survive a deploy'],
    ['postbus types check --file types.json --json', 'the same with another file, for a program'],
    ['postbus types sql', 'what postbus.publish_event takes in this database, and who gets it'],
  ],
  options: { ...CONFIG_OPTION, ...JSON_OPTION, file: { type: 'string', short: 'f' } },
  describe: {
    config: DESCRIBE_CONFIG,
    json: 'snapshot: to stdout instead of the file. check and sql: one JSON object per line.',
    file: `Where the snapshot is. Default: ${DEFAULT_FILE}.`,
  },

  async run(invocation) {
    const [action, ...more] = invocation.words
    const known = ACTIONS.find((name) => name === action)
    if (!known) throw new UsageError(`types ${action ?? ''}: expected one of ${ACTIONS.join(', ')}.`)
    if (more.length > 0) throw new UsageError(`types ${known} takes no "${more[0]}". Name the file with --file.`)
    const file = text(invocation, 'file') ?? DEFAULT_FILE
    if (file === '') throw new UsageError('--file: expected the name of a file.')

    const bus = await loadBus(text(invocation, 'config'))
    try {
      if (known === 'sql') return await listForSql(bus, invocation)
      const parts = partsOf(bus)
      if (!parts) throw new PostbusError('POSTBUS_INVALID_CONFIG', '`bus` is not what createBus() returns.')
      const registry = await parts.registry.load()
      return known === 'snapshot' ? await snapshot(registry, file, invocation) : await check(registry, file, invocation)
    } finally {
      await bus.close()
    }
  },
}

async function snapshot(registry: Registry, file: string, { options, terminal }: Invocation): Promise<ExitCode> {
  const taken = snapshotOf(registry)
  if (options['json']) {
    printJson(terminal, [taken])
    return 0
  }
  await writeFile(file, snapshotText(taken))
  const what = `${count(taken.eventTypes.length, 'event type')} and ${count(taken.handlers.length, 'handler')}`
  say(terminal, `${file}: ${what}. Commit it.`)
  return 0
}

async function check(registry: Registry, file: string, { options, terminal }: Invocation): Promise<ExitCode> {
  const before = parseSnapshot(await snapshotIn(file), file)
  const report = checkTypes(before, registry)
  if (options['json']) printJson(terminal, report.findings)
  else printFindings(terminal, report.findings)
  say(terminal, summary(report, file))
  return report.findings.some(({ is }) => is === 'breaks') ? 3 : 0
}

async function snapshotIn(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new UsageError(
      `There is no ${file}. Write it with: postbus types snapshot, or name another with --file FILE.`,
    )
  }
}

function printFindings({ out }: Terminal, findings: readonly TypesFinding[]): void {
  for (const { is, about, what, mend } of findings) {
    const mark = is === 'breaks' ? colored(out, 'red', '✖') : colored(out, 'green', '✔')
    out.write(`${mark} ${about}: ${what}\n`)
    if (mend !== null) out.write(`  ${mend}.\n`)
  }
}

function summary({ findings, isOutdated }: TypesReport, file: string): string {
  const broken = findings.filter(({ is }) => is === 'breaks').length
  if (broken > 0) return `${count(broken, 'change')} would not survive a deploy.`
  if (isOutdated) return `Nothing breaks. ${file} is older than this code: take a new one with postbus types snapshot.`
  return `Nothing has changed since ${file}.`
}
