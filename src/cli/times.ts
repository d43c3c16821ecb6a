/** Reads times from a command line. */
import { UsageError, text, type Invocation } from './command.ts'

const TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2}))?$/

/** A day in UTC, or a time with its zone: the meaning must not depend on where the command runs. */
export function timeOf(invocation: Invocation, option: string): Date | undefined {
  const given = text(invocation, option)
  if (given === undefined) return undefined
  const time = new Date(given)
  if (TIME.test(given) && !Number.isNaN(time.getTime())) return time
  throw new UsageError(
    `--${option} ${given}: expected a day, such as 2026-05-01, or a time with its zone, such as 2026-05-01T12:30:00Z.`,
  )
}
