/** `postbus events tail`: prints events as they are committed, until the command is stopped. */
import type { Bus } from '../bus.ts'
import { UsageError, type ExitCode, type Invocation } from './command.ts'
import { lineOf } from './event-views.ts'
import { logFilterOf } from './log-options.ts'
import { printJson, say } from './output.ts'

const FOR_LISTS = ['correlation', 'cause', 'handler', 'state', 'text', 'oldest-first', 'cursor', 'limit', 'until']

export function refuseListOptions({ options }: Invocation): void {
  const other = FOR_LISTS.find((name) => options[name] !== undefined)
  if (other !== undefined) throw new UsageError(`events tail: --${other} is for lists.`)
}

export async function tailEvents(bus: Bus, invocation: Invocation): Promise<ExitCode> {
  const { options, terminal } = invocation
  const { until: _, ...filter } = logFilterOf(invocation)
  const over = new AbortController()
  const end = () => over.abort()
  process.once('SIGINT', end).once('SIGTERM', end)
  say(terminal, 'Events as they are committed. Ctrl-C ends it.')
  for await (const event of bus.events.tail({ ...filter, signal: over.signal })) {
    if (options['json']) printJson(terminal, [event])
    else terminal.out.write(`${lineOf(event)}\n`)
  }
  return 0
}
