/** `postbus events export | import`: copies the record of events from one database to another. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { once } from 'node:events'
import type { Bus } from '../bus.ts'
import { PostbusError } from '../errors.ts'
import type { LogFilter } from '../deliveries/log-filter.ts'
import { actOptionsOf } from './acting.ts'
import { UsageError, type ExitCode, type Invocation } from './command.ts'
import { logFilterOf } from './log-options.ts'
import { count, printJson, say } from './output.ts'

const FOR_LISTS = ['correlation', 'cause', 'handler', 'state', 'text', 'oldest-first', 'cursor', 'limit']
const FILTERS = ['type', 'key', 'since', 'until', ...FOR_LISTS]

/** An export reads the log itself, which has fewer filters than a list. */
export function exportFilterOf(invocation: Invocation): LogFilter {
  const other = FOR_LISTS.find((name) => invocation.options[name] !== undefined)
  if (other !== undefined) throw new UsageError(`events export: --${other} is for lists.`)
  return logFilterOf(invocation)
}

export function refuseFilter({ options }: Invocation): void {
  if (FILTERS.every((name) => options[name] === undefined)) return
  throw new UsageError('events import: it takes all events of the file. Choose them at the export.')
}

export async function exportEvents(bus: Bus, { terminal }: Invocation, filter: LogFilter): Promise<ExitCode> {
  let exported = 0
  for await (const event of bus.events.export(filter)) {
    exported += 1
    if (!terminal.out.write(`${JSON.stringify(event)}\n`)) await once(terminal.out, 'drain')
  }
  say(terminal, `${count(exported, 'event')} exported.`)
  return 0
}

export async function importEvents(file: string, bus: Bus, invocation: Invocation): Promise<ExitCode> {
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
