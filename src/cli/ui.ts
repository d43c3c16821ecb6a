/** `postbus ui`: the operator page for the person at this machine. */
import { isIP } from 'node:net'
import { BUS_OPTIONS, DESCRIBE_BUS, UsageError, text, type Command } from './command.ts'
import { busFor } from './load-config.ts'
import { openPage, UI_PORT } from './local-page.ts'
import { say } from './output.ts'

export const ui: Command = {
  summary: 'Show the operator page in your browser, on this machine only.',
  examples: [
    ['postbus ui', 'prints a link to open; ends with Ctrl-C'],
    ['postbus ui --read-only', 'to look: everything is shown, and nothing can be done'],
    ['postbus ui --port 0', 'on any port that is free'],
    ['postbus ui --host 0.0.0.0', 'in a container whose port 4711 is published to 127.0.0.1:4711'],
  ],
  options: { ...BUS_OPTIONS, port: { type: 'string' }, host: { type: 'string' }, 'read-only': { type: 'boolean' } },
  describe: {
    ...DESCRIBE_BUS,
    host: 'The address to listen at, for containers. Default: 127.0.0.1. The page is shown as localhost only.',
    port: `The port on 127.0.0.1; 0 for any that is free. Default: ${UI_PORT}.`,
    'read-only': 'Everything is shown, personal data too, and nothing can be done.',
  },

  async run(invocation) {
    const port = parsePort(text(invocation, 'port'))
    const host = parseHost(text(invocation, 'host'))
    const bus = await busFor(invocation)
    try {
      const page = await openPage(bus, { port, host, isReadOnly: invocation.options['read-only'] === true })
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

function parsePort(given: string | undefined): number {
  if (given === undefined) return UI_PORT
  if (/^\d{1,5}$/.test(given) && Number(given) <= 65_535) return Number(given)
  throw new UsageError(`--port ${given}: expected a number from 0 to 65535.`)
}

function parseHost(given = '127.0.0.1'): string {
  if (isIP(given) !== 0) return given
  throw new UsageError(`--host ${given}: expected an IP address such as 0.0.0.0.`)
}

async function interrupted(): Promise<void> {
  await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve))
}
