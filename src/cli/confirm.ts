/** Asks for confirmation before something that cannot be undone. */
import { createInterface } from 'node:readline/promises'
import { UsageError, type Invocation } from './command.ts'

/** Whether to go on: `--yes` was given, or the user typed yes at the terminal. Throws a `UsageError` without `--yes` and without a terminal. */
export async function confirmed({ options, terminal }: Invocation, question: string): Promise<boolean> {
  if (options['yes']) return true
  if (!terminal.in.isTTY) throw new UsageError(`${question}\nThere is no terminal to ask at: add --yes to do it.`)
  const prompt = createInterface({ input: terminal.in, output: terminal.err })
  try {
    return /^y(es)?$/i.test((await prompt.question(`${question} [y/N] `)).trim())
  } finally {
    prompt.close()
  }
}
