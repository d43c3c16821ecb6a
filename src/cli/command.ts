/** What a `postbus` command consists of, and its exit codes. Each command has a file of its own beside this one. */
import type { ParseArgsOptionsConfig } from 'node:util'

/** 0 ok · 1 failure · 2 usage · 3 checks found problems. */
export type ExitCode = 0 | 1 | 2 | 3

/** Where a command writes: data to `out`, everything else to `err`. */
export interface Terminal {
  readonly out: NodeJS.WriteStream
  readonly err: NodeJS.WriteStream
  readonly in: NodeJS.ReadStream
}

export interface Invocation {
  readonly options: Readonly<Record<string, string | boolean | undefined>>
  readonly words: readonly string[]
  readonly terminal: Terminal
}

export interface Command {
  readonly summary: string
  /** Shown first by `--help`: complete command lines, with what they do. */
  readonly examples: readonly (readonly [line: string, does: string])[]
  readonly options: ParseArgsOptionsConfig
  /** One line per option, by its name. */
  readonly describe: Readonly<Record<string, string>>
  /** Whether it takes words in addition to its options. The command checks them itself. */
  readonly takesWords?: boolean
  run(invocation: Invocation): Promise<ExitCode>
}

/** A mistake in the command line: printed without a stack, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const CONFIG_OPTION = { config: { type: 'string', short: 'c' } } as const
/** For commands that work on a database. */
export const BUS_OPTIONS = { ...CONFIG_OPTION, tenant: { type: 'string' } } as const
export const JSON_OPTION = { json: { type: 'boolean' } } as const

export const DESCRIBE_CONFIG =
  'The file that exports `bus`. Default: postbus.config.ts (.mts, .js, .mjs, .cjs), also in config/.'
export const DESCRIBE_BUS = {
  config: DESCRIBE_CONFIG,
  tenant: 'Which tenant, where the bus has the option `tenants`: the name of its schema.',
} as const
export const DESCRIBE_JSON = 'One JSON object per line on stdout; a list that has more ends in a line { cursor }.'

export function text(invocation: Invocation, name: string): string | undefined {
  const value = invocation.options[name]
  return typeof value === 'string' ? value : undefined
}
