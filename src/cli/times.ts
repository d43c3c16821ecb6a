/** Times in a command line. */
import { UsageError, text, type Invocation } from './command.ts'

const TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?$/

/** A date, or a date and a time, of this option. Without a zone a time is local, as JavaScript has it, and a date is UTC. */
export function timeOf(invocation: Invocation, option: string): Date | undefined {
  const given = text(invocation, option)
  if (given === undefined) return undefined
  const time = new Date(given)
  if (TIME.test(given) && !Number.isNaN(time.getTime())) return time
  throw new UsageError(`--${option} ${given}: expected a time, such as 2026-03-01 or 2026-03-01T12:00:00Z.`)
}
