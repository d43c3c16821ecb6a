/** `postbus events export | import`: the record of events, from one database to another. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { once } from 'node:events'
import type { Bus } from '../bus.ts'
import { PostbusError } from '../errors.ts'
import { ACT_OPTIONS, DESCRIBE_ACT, actOptionsOf } from './acting.ts'
import {
  CONFIG_OPTION,
  DESCRIBE_CONFIG,
  DESCRIBE_JSON,
  JSON_OPTION,
  UsageError,
  text,
  type Command,
  type ExitCode,
  type Invocation,
} from './command.ts'
import { loadBus } from './load-config.ts'
import { DESCRIBE_LOG, LOG_OPTIONS, logFilterOf } from './log-options.ts'
import { count, printJson, say } from './output.ts'

export const events: Command = {
  summary: 'Export stored events, and import them elsewhere.',
  takesWords: true,
  examples: [
    ['postbus events export > events.ndjson', 'all stored events, one JSON object per line, in order'],
    ['postbus events export --types orders.* --since 2026-05-01 | gzip', 'those that match'],
    ['postbus events import events.ndjson', 'stores them with their ids; no handler gets them'],
    ['gunzip -c events.gz | postbus events import -', 'the same, from stdin'],
  ],
  options: { ...CONFIG_OPTION, ...JSON_OPTION, ...LOG_OPTIONS, ...ACT_OPTIONS },
  describe: { config: DESCRIBE_CONFIG, json: DESCRIBE_JSON, ...DESCRIBE_LOG, ...DESCRIBE_ACT },

  async run(invocation) {
    const [action, file, ...more] = invocation.words
    if (action !== 'export' && action !== 'import')
      throw new UsageError(`events ${action ?? ''}: expected export or import.`)
    if (more.length > 0 || (action === 'export') === (file !== undefined))
      throw new UsageError('expected: postbus events export, or: postbus events import FILE (- for stdin)')
    const filter = logFilterOf(invocation)
    if (action === 'import' && Object.keys(filter).length > 0)
      throw new UsageError('events import: it takes all events of the file. Choose them at the export.')

    const bus = await loadBus(text(invocation, 'config'))
    try {
      return file === undefined ? await exportTo(bus, invocation) : await importFrom(file, bus, invocation)
    } finally {
      await bus.close()
    }
  },
}

async function exportTo(bus: Bus, invocation: Invocation): Promise<ExitCode> {
  const { terminal } = invocation
  let exported = 0
  for await (const event of bus.events.export(logFilterOf(invocation))) {
    exported += 1
    if (!terminal.out.write(`${JSON.stringify(event)}\n`)) await once(terminal.out, 'drain')
  }
  say(terminal, `${count(exported, 'event')} exported.`)
  return 0
}

async function importFrom(file: string, bus: Bus, invocation: Invocation): Promise<ExitCode> {
  const { options, terminal } = invocation
  const input = file === '-' ? terminal.in : createReadStream(file)
  const report = await bus.events.import(eventsIn(input), actOptionsOf(invocation))
  if (options['json']) printJson(terminal, [report])
  say(
    terminal,
    `${count(report.count, 'event')} imported, ${report.duplicates.toLocaleString('en')} were there already.`,
  )
  if (report.pastRetention > 0) {
    say(
      terminal,
      `${count(report.pastRetention, 'of them was', 'of them were')} published longer ago than \`retentionMs\`: workers prune them, unless you raise it.`,
    )
  }
  return 0
}

async function* eventsIn(input: NodeJS.ReadableStream): AsyncGenerator {
  let number = 0
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    number += 1
    if (line.trim() !== '') yield parsed(line, number)
  }
}

function parsed(line: string, number: number): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new PostbusError('POSTBUS_INVALID_EVENT', `Line ${number} is not JSON: expected one event per line.`, {
      cause,
    })
  }
}
