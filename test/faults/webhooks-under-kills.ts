/** Kills the workers of a relay and restarts its endpoint, again and again, and counts what the endpoint gets. */
import type { ChildProcess } from 'node:child_process'
import { recoverClaims } from '../../src/backends/postgres/deliveries/claims.ts'
import { tablesIn } from '../../src/backends/postgres/schema/tables.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { NoteTaken } from '../support/notes.ts'
import { killed, startWorkerProcess } from '../support/killable-worker.ts'
import { takeOverSilent } from '../support/take-over.ts'
import { until } from '../support/until.ts'
import { openWebhookServer, type ReceivedWebhook, type WebhookServer } from '../support/webhook-server.ts'
import { relayTo } from './webhooks-relay.ts'

export interface WebhooksReport {
  readonly published: number
  /** Different events that the endpoint has taken. */
  readonly taken: number
  /** Events that the endpoint got again although it had taken them already. */
  readonly duplicates: number
  /** Events that the endpoint had taken, but that were not settled, at the time of a fault. At most that many may be duplicates. */
  readonly inFlight: number
  /** Events that came before an earlier one of their key. */
  readonly tooEarly: number
  readonly dead: number
}

export interface WebhooksOptions {
  readonly events: number
  readonly kills: number
  readonly restarts: number
}

const KEYS = 40
/** One request in fifty is refused. */
const REFUSED = 0.02

export async function webhooksUnderKills({ events, kills, restarts }: WebhooksOptions): Promise<WebhooksReport> {
  const endpoint = await anEndpoint()
  const opened = await openTestBus({ handlers: [relayTo(endpoint.url)] })
  try {
    await publish(opened, events)
    const faults = [...shuffled(kills, restarts)]
    let inFlight = 0
    let worker = await start(opened, endpoint.url)
    for (const [n, fault] of faults.entries()) {
      await until('it goes on', () => endpoint.taken.length >= (events * (n + 0.5)) / faults.length, 300_000)
      if (fault === 'restart') {
        await endpoint.close()
        inFlight += await unsettled(opened, endpoint.taken)
        await endpoint.open()
        continue
      }
      await killed(worker)
      inFlight += await unsettled(opened, endpoint.taken)
      await takeOverSilent((looking) => recoverClaims(opened.database, TABLES, looking))
      worker = await start(opened, endpoint.url)
    }
    await until('nothing waits', async () => (await waiting(opened)) === 0, 300_000)
    await killed(worker)

    const { taken } = endpoint
    const different = new Set(taken.map(({ id }) => id)).size
    const dead = await opened.bus.deadLetters.count()
    const duplicates = taken.length - different
    return { published: events, taken: different, duplicates, inFlight, tooEarly: tooEarly(taken), dead }
  } finally {
    await opened.close()
    await endpoint.close()
  }
}

const TABLES = tablesIn({ postbus: 'postbus', pgboss: 'pgboss' })

interface Taken {
  readonly id: string
  readonly key: string
  readonly n: number
}

async function anEndpoint() {
  const taken: Taken[] = []
  const listen = (port?: number) =>
    openWebhookServer((received, response) => {
      if (Math.random() < REFUSED) return void response.writeHead(500).end()
      taken.push(takenFrom(received))
      setTimeout(() => response.end(), Math.random() * 5)
    }, port)
  let server: WebhookServer = await listen()
  const { port, url } = server
  return {
    taken,
    url,
    close: () => server.close(),
    async open() {
      server = await listen(port)
    },
  }
}

function takenFrom({ headers, body }: ReceivedWebhook): Taken {
  const { data } = JSON.parse(body) as { data: { n: number; key: string } }
  return { id: headers['webhook-id'] ?? '', ...data }
}

/** An event may come again, with those behind it, but never before an earlier event that has not come yet. */
function tooEarly(taken: readonly Taken[]): number {
  const next = new Map<string, number>()
  let early = 0
  for (const { key, n } of taken) {
    const expected = next.get(key) ?? 0
    if (n > expected) early += 1
    next.set(key, Math.max(expected, n + 1))
  }
  return early
}

async function publish({ bus }: TestBus, events: number): Promise<void> {
  const notes = Array.from({ length: events }, (_, n) => NoteTaken({ n: Math.floor(n / KEYS), key: `key ${n % KEYS}` }))
  for (let at = 0; at < events; at += 500) await bus.publish(notes.slice(at, at + 500))
}

/** Both kinds of faults, in random order. */
function* shuffled(kills: number, restarts: number): Generator<'kill' | 'restart'> {
  let [left, other] = [kills, restarts]
  while (left + other > 0) {
    const isKill = Math.random() * (left + other) < left
    if (isKill) left -= 1
    else other -= 1
    yield isKill ? 'kill' : 'restart'
  }
}

/** The first half of a delivery's id is the number of its event. */
async function unsettled({ database }: TestBus, taken: readonly Taken[]): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    `select count(*)::integer as count from pgboss.job
    join postbus.event on seq = ('x' || left(replace(job.id::text, '-', ''), 16))::bit(64)::bigint
    where state < 'completed' and event.id = any($1::uuid[])`,
    [taken.map(({ id }) => id)],
  )
  return rows[0]?.count ?? -1
}

async function waiting({ database }: TestBus): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    `select count(*)::integer as count from pgboss.job where state < 'completed'`,
  )
  return rows[0]?.count ?? -1
}

async function start({ connectionString }: TestBus, url: string): Promise<ChildProcess> {
  return startWorkerProcess(['test/faults/webhooks-process.ts', connectionString, url])
}
