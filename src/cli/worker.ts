/** `postbus worker`: a process that runs handlers until it is told to stop. */
import type { TenantsWorker } from '../tenants/tenants-worker.ts'
import type { Worker } from '../worker/worker.ts'
import { BUS_OPTIONS, DESCRIBE_BUS, UsageError, text, type Command, type ExitCode, type Invocation } from './command.ts'
import { busFor, hasTenants, loadBus } from './load-config.ts'
import { count, printJson, say } from './output.ts'
import { portOf, serve, type Place } from './serve.ts'
import { onShutdown } from './shutdown.ts'
import { watchParents } from './ancestors.ts'
import { logAs } from './worker-log.ts'

const DEFAULT_GRACE_MS = 30_000

export const worker: Command = {
  summary: 'Run handlers until stopped.',
  examples: [
    ['postbus worker', 'works on every queue of your handlers, 20 handlers at once in each'],
    ['postbus worker --queues events=50,events_partitioned=20', 'works on these queues'],
    ['postbus worker --http 9465 --log json', 'with health checks and metrics on that port, and signals as JSON lines'],
    ['postbus worker --once', 'handles what is due now, prints what was done, and exits'],
  ],
  options: {
    ...BUS_OPTIONS,
    queues: { type: 'string' },
    once: { type: 'boolean' },
    http: { type: 'string' },
    'http-host': { type: 'string' },
    log: { type: 'string' },
    'grace-ms': { type: 'string' },
    'with-parent': { type: 'boolean' },
    'per-tenant': { type: 'string' },
  },
  describe: {
    ...DESCRIBE_BUS,
    queues: 'Queues and how many handlers may run at once in each: NAME=COUNT,…',
    once: 'Stop when nothing is due any more.',
    http: 'Serve /livez, /readyz and /metrics on this port.',
    'http-host': 'Where to listen for that, such as 127.0.0.1. Default: every address of this machine.',
    log: 'How signals are written to stderr: json, a JSON object on each line, or pretty. Default: as the bus says.',
    'with-parent': 'Stop in good order when the process that started this one has gone, such as npx or npm run.',
    'per-tenant': 'How many handlers of one tenant may run at once in each queue. Default: half as many as in all.',
    'grace-ms': `How long running handlers get to finish after SIGTERM, in milliseconds. Default: ${DEFAULT_GRACE_MS}.`,
  },

  async run(invocation) {
    const queues = parseQueues(text(invocation, 'queues'))
    const shutdownGraceMs = parseGraceMs(text(invocation, 'grace-ms'))
    const http = placeOf(invocation)
    logAs(text(invocation, 'log'))
    const how = { ...(queues && { queues }), shutdownGraceMs }
    const bus = await (invocation.options['tenant'] === undefined
      ? loadBus(text(invocation, 'config'))
      : busFor(invocation))
    try {
      const isForAll = invocation.options['tenant'] === undefined && hasTenants(bus)
      const running = isForAll ? bus.tenants.worker({ ...how, ...perTenantOf(invocation) }) : bus.worker(how)
      return await work(running, invocation, { http, graceMs: shutdownGraceMs })
    } finally {
      await bus.close()
    }
  },
}

interface WorkOptions {
  readonly graceMs: number
  /** Where to serve health checks; `null`: nowhere. */
  readonly http: Place | null
}

async function work(
  running: Worker | TenantsWorker,
  { options, terminal }: Invocation,
  { graceMs, http }: WorkOptions,
): Promise<ExitCode> {
  const served = http && (await serve(running.http(), http))
  if (served) say(terminal, `Health checks: ${served.url}/readyz. Metrics: ${served.url}/metrics.`)
  const shutdown = onShutdown({
    graceMs,
    stop: () => running.stop(),
    tell: (sentence) => say(terminal, sentence),
    parentHasGone: options['with-parent'] ? watchParents() : undefined,
  })
  try {
    if (!options['once']) {
      await running.start()
      return await shutdown.ended
    }
    const counts = await running.drain()
    printJson(terminal, [counts])
    say(terminal, `Nothing is due any more: ${count(counts.done, 'delivery', 'deliveries')} done.`)
    return shutdown.requested() ? await shutdown.ended : 0
  } finally {
    shutdown.ignore()
    served?.close()
  }
}

function placeOf(invocation: Invocation): Place | null {
  const [port, host] = [text(invocation, 'http'), text(invocation, 'http-host')]
  if (port === undefined && host === undefined) return null
  if (port === undefined) throw new UsageError('--http-host says where, and --http on which port: --http 9465.')
  if (invocation.options['once']) throw new UsageError('--http is for a worker that stays: leave out --once.')
  return { port: portOf('--http', port), host }
}

function parseQueues(given: string | undefined): Record<string, number> | undefined {
  if (given === undefined) return undefined
  const pairs = given.split(',').map((pair) => {
    const [, name, number] = /^([^=\s]+)=(\d{1,5})$/.exec(pair.trim()) ?? []
    if (name && Number(number) > 0) return [name, Number(number)] as const
    throw new UsageError(`--queues ${given}: expected NAME=COUNT,… such as events=20,events_partitioned=20.`)
  })
  return Object.fromEntries(pairs)
}

function perTenantOf(invocation: Invocation): { readonly perTenant?: number } {
  const given = text(invocation, 'per-tenant')
  if (given === undefined) return {}
  if (/^\d{1,4}$/.test(given) && Number(given) > 0) return { perTenant: Number(given) }
  throw new UsageError(`--per-tenant ${given}: expected a number from 1 to 9,999.`)
}

function parseGraceMs(given: string | undefined): number {
  if (given === undefined) return DEFAULT_GRACE_MS
  if (/^\d{1,7}$/.test(given) && Number(given) <= 3_600_000) return Number(given)
  throw new UsageError(`--grace-ms ${given}: expected milliseconds from 0 to 3,600,000.`)
}
