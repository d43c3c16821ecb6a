/** `postbus health`: asks a worker that serves `--http` whether it is ready. For probes that run a command, as Docker's do. */
import { safeTextOfError } from '../error-text.ts'
import { UsageError, text, type Command } from './command.ts'
import { oneLine, say } from './output.ts'

const USUAL_URL = 'http://127.0.0.1:9465/readyz'
const LIMIT_MS = 5_000

export const health: Command = {
  summary: 'Ask a running worker whether it is ready: exit code 0, or 1.',
  examples: [
    ['postbus health', 'the worker that `postbus worker --http 9465` has started on this machine'],
    ['postbus health --url http://127.0.0.1:9465/livez', 'only whether it is alive'],
  ],
  options: { url: { type: 'string' } },
  describe: { url: `What to ask. Default: ${USUAL_URL}.` },

  async run(invocation) {
    const given = text(invocation, 'url') ?? USUAL_URL
    if (!URL.canParse(given) || !/^https?:/.test(given))
      throw new UsageError(`--url ${given}: expected a URL, such as ${USUAL_URL}.`)
    const { terminal } = invocation
    try {
      const response = await fetch(given, { signal: AbortSignal.timeout(LIMIT_MS) })
      say(terminal, oneLine((await response.text()).trim(), 500))
      return response.ok ? 0 : 1
    } catch (error) {
      const cause = (error as { readonly cause?: unknown }).cause // fetch puts the reason there
      say(terminal, `${given}: ${safeTextOfError(cause ?? error)}`)
      return 1
    }
  },
}
