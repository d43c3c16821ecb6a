/** Prints for `postbus events list | show | tree`: one line per event, the state of one event, and a tree of causes. */
import type { EventBranch, EventTree } from '../record/event-query.ts'
import type { EventStatus } from '../record/event-status.ts'
import type { RecordedEvent } from '../record/recorded-event.ts'
import type { Terminal } from './command.ts'
import { count, oneLine, printTable } from './output.ts'

const LIST_HEADS = ['PUBLISHED AT', 'TYPE', 'KEY', 'EVENT', 'DATA']
const STATUS_HEADS = ['HANDLER', 'STATE', 'ATTEMPTS', 'SINCE', 'REASON OR LAST ERROR']

/** One event as one line, for `tail`: the next events are not known yet, so there are no columns to align. */
export function lineOf(event: RecordedEvent): string {
  const { publishedAt, type, partitionKey, id } = event
  return [publishedAt.toISOString(), type, oneLine(partitionKey ?? '-', 24), id, oneLine(dataOf(event), 200)].join('  ')
}

export function printEvents({ out }: Terminal, events: readonly RecordedEvent[]): void {
  if (events.length === 0) return
  const rows = events.map((event) => [
    event.publishedAt.toISOString(),
    event.type,
    oneLine(event.partitionKey ?? '', 24),
    event.id,
    oneLine(dataOf(event), 60),
  ])
  printTable(out, LIST_HEADS, rows)
}

export function printStatus({ out }: Terminal, { event, deliveries, isFinished }: EventStatus): void {
  const about: readonly (readonly [string, string | null])[] = [
    ['event', `${event.type} version ${event.version}`],
    ['id', event.id],
    ['key', event.partitionKey],
    ['published', event.publishedAt.toISOString()],
    ['correlation', event.correlationId],
    ['cause', event.causationId && `${event.causationId}${event.causedByHandler ? ` (${event.causedByHandler})` : ''}`],
    ['source', event.source],
    ['metadata', Object.keys(event.metadata).length === 0 ? null : JSON.stringify(event.metadata)],
    ['data', `${dataOf(event)}${event.isUnparsed ? ' (from SQL: workers check it by its schema)' : ''}`],
    ['finished', isFinished ? 'yes' : 'no'],
  ]
  for (const [name, value] of about) if (value !== null) out.write(`${name.padEnd(12)} ${oneLine(value, 2_000)}\n`)
  if (deliveries.length === 0) return void out.write('No handler has received it.\n')
  out.write('\n')
  const rows = deliveries.map(({ handler, state, attempts, startedAt, endedAt, dueAt, reason, errors }) => [
    handler,
    state,
    String(attempts),
    (endedAt ?? startedAt ?? dueAt)?.toISOString() ?? '',
    oneLine(reason ?? errors.at(-1)?.message ?? ''),
  ])
  printTable(out, STATUS_HEADS, rows)
}

export function printTree({ out }: Terminal, tree: EventTree): void {
  for (const [depth, event] of tree.causes.entries()) out.write(`${indent(depth)}${titleOf(event)}\n`)
  printBranch(out, tree, tree.causes.length, ' ◀')
}

/** The number of events in a branch, including its own event. */
export function sizeOf({ caused }: EventBranch): number {
  return caused.reduce((sum, branch) => sum + sizeOf(branch), 1)
}

export function eventCount(events: number): string {
  return count(events, 'event')
}

function printBranch(out: NodeJS.WriteStream, branch: EventBranch, depth: number, mark = ''): void {
  out.write(`${indent(depth)}${titleOf(branch.event)}${mark}\n`)
  for (const next of branch.caused) printBranch(out, next, depth + 1)
}

function indent(depth: number): string {
  return depth === 0 ? '' : `${'  '.repeat(depth - 1)}└ `
}

function titleOf({ type, id, causedByHandler }: RecordedEvent): string {
  return `${type} ${id}${causedByHandler === null ? '' : ` by ${causedByHandler}`}`
}

function dataOf({ data, isRaw }: RecordedEvent): string {
  if (isRaw) return String(data)
  return JSON.stringify(data, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)) ?? ''
}
