/** Prints the account: per line a mark, the expected number, and the numbers found in each place; then one sentence with the result. */
import { styleText } from 'node:util'
import { addsUp, type Line } from './line.ts'

/** Prints to stdout. Returns whether everything adds up. */
export function printAccount(lines: readonly Line[], stream = process.stdout): boolean {
  const width = Math.max(...lines.map(({ what }) => what.length))
  stream.write(`\n  ${styleText('bold', `${''.padEnd(width)}  ${'EXPECTED'.padStart(12)}   FOUND`, { stream })}\n`)
  for (const line of lines) stream.write(`${rowOf(line, width, stream)}\n`)

  const wrong = lines.filter((line) => !addsUp(line))
  stream.write(`\n${verdict(wrong)}\n`)
  return wrong.length === 0
}

function rowOf(line: Line, width: number, stream: NodeJS.WriteStream): string {
  const mark = addsUp(line) ? styleText('green', '✔', { stream }) : styleText('red', '✖', { stream })
  const found = line.found.map(({ count, where }) => `${number(count)} ${where}`.trimEnd()).join(' · ')
  return `${mark} ${line.what.padEnd(width)}  ${number(line.expected).padStart(12)}   ${found}`
}

function verdict(wrong: readonly Line[]): string {
  if (wrong.length === 0) return 'Everything adds up: nothing lost, nothing twice, nothing out of order.'
  const names = wrong.map(({ what }) => what.trim()).join(', ')
  return `It does not add up: ${names}.`
}

function number(value: number): string {
  return value.toLocaleString('en')
}
