/** How commands print: tables and marks for people, one JSON object per line for programs. */
import { styleText } from 'node:util'
import type { Invocation, Terminal } from './command.ts'

type Format = Parameters<typeof styleText>[0]

/** Colours only where a person looks: never in a pipe, and not when NO_COLOR is set. */
export function colored(stream: NodeJS.WriteStream, format: Format, text: string): string {
  return styleText(format, text, { stream })
}

export function printJson(terminal: Terminal, values: readonly unknown[]): void {
  for (const value of values) terminal.out.write(`${JSON.stringify(value)}\n`)
}

export function printTable(
  stream: NodeJS.WriteStream,
  heads: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  stream.write(`${colored(stream, 'bold', line(heads))}\n`)
  for (const row of rows) stream.write(`${line(row)}\n`)
}

interface ListShown<Item> {
  readonly heads: readonly string[]
  rowOf(item: Item): readonly string[]
  /** The word for one item. */
  readonly one: string
}

/** Prints a table and the number of items for people, or one line per item for programs. */
export function printList<Item>(
  { options, terminal }: Pick<Invocation, 'options' | 'terminal'>,
  items: readonly Item[],
  { heads, rowOf, one }: ListShown<Item>,
): void {
  if (options['json']) return printJson(terminal, items)
  if (items.length > 0) printTable(terminal.out, heads, items.map(rowOf))
  say(terminal, `${count(items.length, one)}.`)
}

export function say(terminal: Terminal, sentence: string): void {
  terminal.err.write(`${sentence}\n`)
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`
}

/** Puts text from events or errors on one line, without control characters that could move the cursor. */
export function oneLine(text: string, maxLength = 80): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is being removed
  const flat = text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
  return flat.length > maxLength ? `${flat.slice(0, maxLength - 1)}…` : flat
}
