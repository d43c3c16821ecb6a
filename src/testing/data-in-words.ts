/** Prints the data of events on one line, short enough for a list. */
import { inspect } from 'node:util'

export function dataInWords(value: unknown): string {
  return inspect(value, { depth: 5, breakLength: Infinity, maxStringLength: 200, maxArrayLength: 20 })
}
