/** A first bus, its relay, a broker, a consumer, and a second bus, under load, while the broker and the processes are killed. */
import { Pool } from 'pg'
import { createBus, defineHandler } from '../../../src/index.ts'
import { createDatabase } from '../../support/database.ts'
import type { BrokerProcess } from '../../support/broker-process.ts'
import { NoteTaken } from '../../support/notes.ts'
import { until } from '../../support/until.ts'
import { seeded } from '../../faults/kills-under-load.ts'
import type { ConsumingSettings } from './consuming.ts'
import { startScript, type ScriptProcess } from './process-of.ts'
import type { RelayingSettings } from './relaying.ts'
import { heard, prepareSecond } from './second-bus.ts'

export interface PipelineOptions {
  readonly events: number
  readonly keys: number
  readonly seed: number
  readonly broker: BrokerProcess
  readonly relaying: Omit<RelayingSettings, 'connectionString'>
  readonly consuming: Omit<ConsumingSettings, 'connectionString'>
}

export interface PipelineReport {
  readonly seconds: number
  readonly brokerKills: number
  readonly relayKills: number
  readonly consumerKills: number
  readonly published: number
  readonly effects: number
  readonly eventsOfSecondBus: number
  readonly problems: readonly string[]
}

/** The broker or a process is killed only after this time and this number of further effects. Otherwise nothing would ever arrive on a slow machine. */
const BROKER_LIVES = { ms: 10_000, progress: 500 }
const PROCESS_LIVES = { ms: 4_000, progress: 250 }
const MOST_WAITING = 600
const LIMIT_MS = 30 * 60_000

export async function runPipeline(options: PipelineOptions): Promise<PipelineReport> {
  const database = await createDatabase()
  const { connectionString } = database
  const pool = new Pool({ connectionString, max: 5 })
  const handlers = [defineHandler('notes.relay', { on: NoteTaken, handle: () => undefined })] // only makes publish write deliveries; the processes relay them
  const bus = createBus({ connectionString, handlers, onSignal: () => undefined })
  await bus.migrate()
  await prepareSecond(connectionString)
  const beganAt = performance.now()

  const over = new AbortController()
  const processes = {
    relays: [await relay(), await relay()],
    consumers: [await consumer()],
  }
  const counts = { brokerKills: 0, relayKills: 0, consumerKills: 0 }
  const faults = Promise.all([killProcesses(), killBroker()])
  await publishAll()
  await until('all is heard', async () => (await heardSoFar()) >= options.events, LIMIT_MS)
  over.abort()
  await faults

  const problems: string[] = []
  for (const process of [...processes.relays, ...processes.consumers]) await ends(process)
  const came = await heard(pool)
  const { rows } = await pool.query<{ count: number }>('select count(*)::integer as count from second.event')
  const report = {
    seconds: Math.round((performance.now() - beganAt) / 1_000),
    ...counts,
    published: options.events,
    effects: came.length,
    eventsOfSecondBus: rows[0]?.count ?? 0,
    problems: [...problems, ...outOfOrder(came), ...missing(came, options)],
  }
  await bus.close()
  await pool.end()
  await database.drop()
  return report

  function relay() {
    return startScript('relaying.ts', { connectionString, ...options.relaying }, 'relaying')
  }

  function consumer() {
    return startScript('consuming.ts', { connectionString, ...options.consuming }, 'consuming')
  }

  async function publishAll() {
    for (let n = 0; n < options.events; n += 20) {
      await bus.publish(Array.from({ length: 20 }, (_, place) => NoteTaken({ n: n + place, key: `key ${(n + place) % options.keys}` }))) // prettier-ignore
      if (n % 200 === 0) await until('the relay keeps up', async () => (await waiting()) < MOST_WAITING, LIMIT_MS)
    }
  }

  async function waiting() {
    const { rows: found } = await pool.query(`select from pgboss.job where state < 'completed'`)
    return found.length
  }

  async function killProcesses() {
    const random = seeded(options.seed)
    while (!over.signal.aborted) {
      await hasLived(PROCESS_LIVES)
      if (over.signal.aborted) return
      const isRelay = random() < 0.5
      const list = isRelay ? processes.relays : processes.consumers
      const place = Math.floor(random() * list.length)
      await list[place]!.kill('SIGKILL')
      counts[isRelay ? 'relayKills' : 'consumerKills'] += 1
      list[place] = await untilStarted(isRelay ? relay : consumer)
    }
  }

  async function hasLived({ ms, progress }: typeof BROKER_LIVES) {
    const before = await heardSoFar()
    await pool.query('select pg_sleep($1)', [ms / 1_000])
    const isEnough = async () => over.signal.aborted || (await heardSoFar()) >= before + progress
    await until('there is progress', isEnough, LIMIT_MS)
  }

  async function heardSoFar() {
    const { rows: found } = await pool.query<{ count: number }>('select count(*)::integer as count from heard')
    return found[0]?.count ?? 0
  }

  /** A consumer refuses to start while its broker is away. */
  async function untilStarted(start: () => Promise<ScriptProcess>): Promise<ScriptProcess> {
    for (;;) {
      const started = await start().catch(() => null)
      if (started) return started
    }
  }

  async function killBroker() {
    while (!over.signal.aborted) {
      await hasLived(BROKER_LIVES)
      if (over.signal.aborted) return
      await options.broker.stop('SIGKILL')
      counts.brokerKills += 1
      await options.broker.start()
    }
  }

  async function ends(process: ScriptProcess) {
    process.child.kill('SIGTERM')
    await until('it ends by itself', () => process.child.exitCode !== null, 60_000).catch(() => problems.push('A process did not end by itself after SIGTERM.')) // prettier-ignore
  }
}

export interface Numbered {
  readonly n: number
  readonly key: string | null
}

/** For each key, the numbers whose first arrival was after that of a higher number. */
export function outOfOrder(came: readonly Numbered[]): readonly string[] {
  const latest = new Map<string | null, number>()
  const seen = new Set<number>()
  return came.flatMap(({ n, key }) => {
    if (seen.has(n)) return []
    seen.add(n)
    const before = latest.get(key) ?? -1
    latest.set(key, Math.max(before, n))
    return n < before ? [`${key}: ${n} came after ${before}`] : []
  })
}

function missing(came: readonly Numbered[], { events }: PipelineOptions): readonly string[] {
  const seen = new Set(came.map(({ n }) => n))
  const lost = Array.from({ length: events }, (_, n) => n).filter((n) => !seen.has(n))
  const twice = came.length - seen.size
  return [
    ...(lost.length > 0 ? [`${lost.length} are lost: ${lost.slice(0, 10).join(', ')}`] : []),
    ...(twice > 0 ? [`${twice} effects are there twice`] : []),
  ]
}
