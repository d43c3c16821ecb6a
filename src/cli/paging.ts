/** `--limit` and `--cursor`, for commands that list. */
import type { PageOptions } from '../deliveries/page.ts'
import { UsageError, text, type Invocation } from './command.ts'
import { say } from './output.ts'

export const PAGE_OPTIONS = { limit: { type: 'string' }, cursor: { type: 'string' } } as const

export const DESCRIBE_PAGE = {
  limit: 'list: at most this many, up to 10,000. Default: 100.',
  cursor: 'list: go on where an earlier list ended, which named its cursor.',
} as const

const MOST = 10_000

export function pageOptionsOf(invocation: Invocation): PageOptions {
  const cursor = text(invocation, 'cursor')
  return { limit: limitOf(invocation), ...(cursor !== undefined && { cursor }) }
}

function limitOf(invocation: Invocation): number {
  const given = text(invocation, 'limit')
  if (given === undefined) return 100
  if (/^[1-9]\d{0,4}$/.test(given) && Number(given) <= MOST) return Number(given)
  throw new UsageError(`--limit ${given}: expected a whole number from 1 to ${MOST.toLocaleString('en')}.`)
}

/** Says how to get the next page: to a program by a last line `{ "cursor": … }` on stdout, to a person by a sentence on stderr. */
export function sayMore({ options, terminal }: Invocation, cursor: string | null): void {
  if (cursor === null) return
  if (options['json']) terminal.out.write(`${JSON.stringify({ cursor })}\n`)
  else say(terminal, `There are more: repeat the command with --cursor ${cursor}`)
}
