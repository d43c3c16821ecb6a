/** `postbus dev`: runs everything that you need while you write an application, in one terminal. */
import { resolve } from 'node:path'
import type { Bus } from '../bus.ts'
import { PostbusError } from '../errors.ts'
import { developmentDatabase } from '../embedded-postgres/development-database.ts'
import {
  CONFIG_OPTION,
  DESCRIBE_CONFIG,
  UsageError,
  text,
  type Command,
  type Invocation,
  type Terminal,
} from './command.ts'
import { DEV_PORT } from './dev-port.ts'
import { givenDatabase, setDatabase } from './environment.ts'
import { loadBus } from './load-config.ts'
import { openPage, UI_PORT } from './local-page.ts'
import { say } from './output.ts'
import { onShutdown } from './shutdown.ts'

const FOLDER = '.postbus/postgres'
const GRACE_MS = 5_000

export const dev: Command = {
  summary: 'Run a Postgres, a worker and the operator page while you write an application.',
  examples: [
    ['postbus dev', `an embedded Postgres with its data in ${FOLDER}, or the one of DATABASE_URL`],
    ['postbus dev --database-port 54330 --port 4712', 'where other programs have the usual ports'],
  ],
  options: { ...CONFIG_OPTION, 'database-port': { type: 'string' }, port: { type: 'string' } },
  describe: {
    config: DESCRIBE_CONFIG,
    'database-port': `The port of the embedded Postgres. Default: ${DEV_PORT}, which the config of postbus init names.`,
    port: `The port of the operator page; 0 for any that is free. Default: ${UI_PORT}.`,
  },

  async run(invocation) {
    const database = await openDatabase(invocation)
    try {
      const bus = await loadBus(text(invocation, 'config'))
      try {
        return await work(bus, invocation)
      } finally {
        await bus.close()
      }
    } finally {
      await database.release()
    }
  },
}

async function openDatabase(invocation: Invocation): Promise<{ release(): Promise<void> }> {
  const { terminal } = invocation
  if (givenDatabase() !== undefined) {
    say(terminal, 'Database: the one of DATABASE_URL.')
    return { release: async () => undefined }
  }
  const port = portIn(invocation, 'database-port', DEV_PORT)
  const database = await developmentDatabase({ folder: resolve(FOLDER), port })
  if (!database)
    throw new UsageError(`Port ${port} is taken. Choose another one: postbus dev --database-port ${port + 1}.`)
  setDatabase(database.connectionString)
  say(terminal, `Database: PostgreSQL ${database.version}, ${database.connectionString}`)
  if (!database.connectionString.includes(`:${DEV_PORT}/`))
    say(terminal, `Other programs find it by: export DATABASE_URL=${database.connectionString}`)
  return database
}

async function work(bus: Bus, invocation: Invocation) {
  const { terminal } = invocation
  await bus.migrate()
  const worker = bus.worker({ shutdownGraceMs: GRACE_MS })
  const page = await pageIfItCan(bus, invocation)
  const tell = (sentence: string) => say(terminal, sentence)
  const shutdown = onShutdown({ graceMs: GRACE_MS, stop: () => worker.stop(), tell })
  try {
    await worker.start()
    say(terminal, 'A worker runs. Ctrl-C ends everything; the data stay.')
    return await shutdown.ended
  } finally {
    shutdown.ignore()
    await page?.close()
  }
}

/** Opens the operator page if it can. The page is an extra here: without Hono the rest still runs. */
async function pageIfItCan(bus: Bus, invocation: Invocation) {
  try {
    const page = await openPage(bus, { port: portIn(invocation, 'port', UI_PORT), isReadOnly: false })
    say(invocation.terminal, `Operator page: ${page.link}`)
    return page
  } catch (error) {
    if (!isWithoutHono(error)) throw error
    sayWithoutHono(invocation.terminal)
    return undefined
  }
}

function isWithoutHono(error: unknown): boolean {
  return error instanceof PostbusError && error.code === 'POSTBUS_INVALID_CONFIG'
}

function sayWithoutHono(terminal: Terminal): void {
  say(terminal, 'Operator page: not without hono. Run: npm install --save-dev hono')
}

function portIn(invocation: Invocation, option: string, usual: number): number {
  const given = text(invocation, option)
  if (given === undefined) return usual
  if (/^\d{1,5}$/.test(given) && Number(given) <= 65_535) return Number(given)
  throw new UsageError(`--${option} ${given}: expected a number from 0 to 65535.`)
}
