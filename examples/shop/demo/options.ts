/** The demo's command line. */
import { parseArgs } from 'node:util'
import { Stopped } from './stopped.ts'

export const HELP = `The example shop: replays 5,009 orders through Postbus, and checks the account.

  npm run demo                     all orders
  npm run demo -- --limit 200      the first 200
  npm run demo -- --reconcile      no orders: only checks again what the last demo left (with its --limit)

Exit codes: 0 everything adds up, 1 it does not or something failed, 2 usage.
`

export interface DemoOptions {
  readonly limit: number
  /** Only checks the results of the last demo. */
  readonly reconcileOnly: boolean
  readonly help: boolean
}

export function demoOptions(args: readonly string[]): DemoOptions {
  const { limit, reconcile, help } = parse(args)
  if (!/^[1-9]\d{0,6}$/.test(limit)) throw mistake(`--limit ${limit}: expected a number of orders from 1.`)
  return { limit: Number(limit), reconcileOnly: reconcile, help }
}

function parse(args: readonly string[]) {
  const options = {
    limit: { type: 'string', default: '5009' },
    reconcile: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  } as const
  try {
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw mistake(error instanceof Error ? error.message : String(error))
  }
}

function mistake(sentence: string): Stopped {
  return new Stopped(`${sentence} See: npm run demo -- --help`, 2)
}
