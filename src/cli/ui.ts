/** `postbus ui`: the operator page for the person at this machine. */
import { userInfo } from 'node:os'
import type { Bus } from '../bus.ts'
import { PostbusError } from '../errors.ts'
import type * as localPage from '../ui/local-page.ts'
import { BUS_OPTIONS, DESCRIBE_BUS, UsageError, text, type Command, type Invocation } from './command.ts'
import { busFor } from './load-config.ts'
import { say } from './output.ts'

const DEFAULT_PORT = 4711

export const ui: Command = {
  summary: 'Show the operator page in your browser, on this machine only.',
  examples: [
    ['postbus ui', 'prints a link to open; ends with Ctrl-C'],
    ['postbus ui --read-only', 'to look: everything is shown, and nothing can be done'],
    ['postbus ui --port 0', 'on any port that is free'],
  ],
  options: { ...BUS_OPTIONS, port: { type: 'string' }, 'read-only': { type: 'boolean' } },
  describe: {
    ...DESCRIBE_BUS,
    port: `The port on 127.0.0.1; 0 for any that is free. Default: ${DEFAULT_PORT}.`,
    'read-only': 'Everything is shown, personal data too, and nothing can be done.',
  },

  async run(invocation) {
    const port = parsePort(text(invocation, 'port'))
    const bus = await busFor(invocation)
    try {
      const page = await opened(bus, port, invocation)
      invocation.terminal.out.write(`${page.link}\n`)
      say(invocation.terminal, 'The operator page: open this link. Only you have it; Ctrl-C ends it.')
      await interrupted()
      await page.close()
      return 0
    } finally {
      await bus.close()
    }
  },
}

async function opened(bus: Bus, port: number, { options }: Invocation): Promise<localPage.LocalPage> {
  const { openLocalPage } = await theUi()
  try {
    return await openLocalPage(bus, { port, isReadOnly: options['read-only'] === true, by: userName() })
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EADDRINUSE') {
      throw new UsageError(`Port ${port} is taken. Choose another one: postbus ui --port ${port + 1}, or 0 for any.`)
    }
    if (code === 'EACCES') throw new UsageError(`You may not use port ${port}. Choose one above 1023.`)
    throw error
  }
}

/** Loaded here and not above: the other commands work without what it needs. */
async function theUi(): Promise<typeof localPage> {
  try {
    return await import('../ui/local-page.ts')
  } catch (error) {
    if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new PostbusError(
      'POSTBUS_INVALID_CONFIG',
      'The operator page is made with Hono, which is not installed. Run: npm install hono',
      { cause: error },
    )
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : null
}

/** A container may have a user without a name. */
function userName(): string {
  try {
    return userInfo().username || 'postbus ui'
  } catch {
    return 'postbus ui'
  }
}

function parsePort(given: string | undefined): number {
  if (given === undefined) return DEFAULT_PORT
  if (/^\d{1,5}$/.test(given) && Number(given) <= 65_535) return Number(given)
  throw new UsageError(`--port ${given}: expected a number from 0 to 65535.`)
}

async function interrupted(): Promise<void> {
  await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve))
}
