/** The benchmark's command line. */
import { parseArgs } from 'node:util'
import type { Extent } from './question.ts'

export const HELP = `Measures Postbus beside what people would use instead: in one run, in turns, in several rounds.

  npm run bench                          every question
  npm run bench -- ordered-drain …       these questions
  npm run bench -- --rounds 5            instead of the question's own number of rounds
  npm run bench -- --case 100,000        only cases whose names contain this
  npm run bench -- --full                also what takes many minutes, such as a million waiting deliveries
  npm run bench -- --quick               seconds: shows that everything works; the figures mean nothing
  npm run bench -- --list                the questions

It starts a Postgres of its own, with fsync on; DATABASE_URL names another one, whose user may create databases.
Results are printed, and written to bench/results/<question>.json (not by --quick or --case).
From there the tables and charts of docs/performance.md are printed; npm run docs:bench does only that.
`

export interface BenchOptions extends Extent {
  readonly questions: readonly string[]
  readonly rounds: number | undefined
  readonly case: string
  readonly list: boolean
  readonly help: boolean
}

export function benchOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      case: { type: 'string', default: '' },
      full: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  return { ...values, questions: positionals, rounds: values.quick ? 1 : numberOf(values.rounds) }
}

function numberOf(rounds: string | undefined): number | undefined {
  if (rounds === undefined) return undefined
  if (!/^[1-9]\d?$/.test(rounds)) throw new Error(`--rounds ${rounds}: expected a number from 1 to 99.`)
  return Number(rounds)
}
