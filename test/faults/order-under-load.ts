/** Runs publishers and workers in separate processes, kills some of them, and judges the order of each key. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { outOfOrder, overtaken, stuck, type LiveDelivery, type PublishedTurn } from '../support/order-checks.ts'
import type { Stage, StageWorker } from '../support/stage.ts'
import { ghosts, lost, needlessRepeats, overlaps, type Interruption } from '../support/trace-checks.ts'
import type { WorkerProcess } from '../support/worker-process.ts'
import { held, seeded } from './kills-under-load.ts'
import type { TracedHandler } from './tasks.ts'
import type { OrderPublisherSettings } from './order-publisher.ts'

export interface OrderRunOptions {
  readonly workers: number
  readonly publishers: number
  /** Chosen by Zipf's law. */
  readonly keys: number
  readonly kills: number
  readonly killEveryMs: number
  readonly seed: number
  /** The handlers that get all events. Default: one handler with deliveries. */
  readonly handlers?: readonly TracedHandler[]
  /** The share of workers that are stopped instead of killed. Default: none. */
  readonly stops?: number
  /** The number of a kill → the handlers that are deployed before it. Running processes keep their code. */
  /** Returns settings for the next worker. `started`: how many workers were started before it. */
  worker?(started: number): StageWorker
  /** Called each time before a process is killed. */
  meanwhile?(kill: number): Promise<void>
  readonly deploys?: ReadonlyMap<number, readonly TracedHandler[]>
}

export interface OrderReport {
  readonly problems: readonly string[]
  readonly published: number
  /** Published without the key's lock, so that their order is open. */
  readonly withoutLock: number
  readonly runs: number
  readonly failures: number
  /** From the last kill until everything was done. */
  readonly recoveredInMs: number
}

/** For the long runs: five minutes, with a kill or a stop every five seconds. */
export const FIVE_MINUTES = { workers: 3, publishers: 2, kills: 60, killEveryMs: 5_000, stops: 0.4 } as const

const CHECKOUT = resolve(import.meta.dirname, '../..')
const PUBLISHER = 'test/faults/order-publisher.ts'
const HANDLER = 'faults.steady'
const RECOVERY_LIMIT_MS = 40_000
const WORDS = ['--queues', 'events=1,events_partitioned=8']

/** Publishes all the time; at every interval kills a process, mostly a worker, and starts another in its place. */
export async function orderUnderLoad(stage: Stage, options: OrderRunOptions): Promise<OrderReport> {
  const random = seeded(options.seed)
  const names = options.handlers?.map(({ name }) => name)
  let handlers = options.handlers
  await createTables(stage, options.keys)
  let started = 0
  const wordsOf = (more: StageWorker = {}) => ({ words: WORDS, ...more, ...options.worker?.(started++) })
  const workers = await Promise.all(Array.from({ length: options.workers }, () => stage.worker(wordsOf())))
  const publishers = Array.from({ length: options.publishers }, (_, index) => publisher(stage, options, index))

  const interruptions: Interruption[] = []
  for (let kill = 0; kill < options.kills; kill += 1) {
    const deployed = options.deploys?.get(kill)
    if (deployed) await stage.migrate((handlers = deployed))
    const words = wordsOf(handlers && { handlers })
    await stage.database.query('select pg_sleep($1)', [(options.killEveryMs / 1_000) * (0.5 + random())])
    await options.meanwhile?.(kill)
    const place = Math.floor(random() * workers.length)
    if (random() < 0.2)
      await replacePublisher(stage, { ...options, ...(handlers && { handlers }) }, { publishers, kill })
    else if (random() < (options.stops ?? 0)) await exchangeWorker(stage, workers, { place, words })
    else interruptions.push(await replaceWorker(stage, workers, { place, words }))
  }
  const lastFaultAt = performance.now()
  await Promise.all(publishers.map((one) => ended(one, 'SIGTERM')))
  await stage.settled(RECOVERY_LIMIT_MS - (performance.now() - lastFaultAt)).catch(() => undefined) // reported by `stuck`

  return {
    ...(await judged(stage, interruptions, names)),
    recoveredInMs: Math.round(performance.now() - lastFaultAt),
  }
}

export async function createTables({ database }: Pick<Stage, 'database'>, keys: number): Promise<void> {
  await database.query('create table entity (key text primary key, turns integer not null default 0)')
  await database.query('create table published (event_id uuid primary key, key text not null, turn integer)')
  await database.query(`insert into entity (key) select 'key ' || number from generate_series(0, $1) number`, [keys])
}

/** `code` is the checkout, or a similar folder, whose code the publisher runs. */
export function publisher(
  { connectionString }: Stage,
  {
    seed,
    keys,
    handlers,
    code = CHECKOUT,
  }: Pick<OrderRunOptions, 'seed' | 'keys' | 'handlers'> & { readonly code?: string },
  index: number,
): ChildProcess {
  const settings: OrderPublisherSettings = {
    connectionString,
    seed: seed + 1_000 * (index + 1),
    keys,
    transactions: 4,
    maxWaiting: handlers ? 1_000 : 400,
    maxWaitingPerKey: 60,
    ...(handlers && { handlers }),
  }
  return spawn(process.execPath, [join(code, PUBLISHER), JSON.stringify(settings)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
}

async function replacePublisher(
  stage: Stage,
  options: OrderRunOptions,
  { publishers, kill }: { publishers: ChildProcess[]; kill: number },
): Promise<void> {
  const place = kill % publishers.length
  await ended(publishers[place]!, 'SIGKILL')
  publishers[place] = publisher(stage, options, 100 + kill)
}

interface Replacing {
  readonly place: number
  readonly words: StageWorker
}

async function replaceWorker(
  stage: Stage,
  workers: WorkerProcess[],
  { place, words }: Replacing,
): Promise<Interruption> {
  const victim = workers[place]!
  victim.kill('SIGKILL')
  await victim.exited
  const interruption = { pid: victim.pid, from: await stage.trace.now(), holding: await held(stage) }
  workers[place] = await stage.worker(words)
  return interruption
}

/** Starts one more worker, and then stops one: each time the work is divided again. */
async function exchangeWorker(stage: Stage, workers: WorkerProcess[], { place, words }: Replacing): Promise<void> {
  const leaving = workers[place]!
  workers[place] = await stage.worker(words)
  leaving.kill('SIGTERM')
  await leaving.exited
}

export async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
  // A signal that arrives before the process listens for it ends the process at once. That is fine: it has published nothing.
  if (child.signalCode !== signal && child.exitCode !== 0) throw new Error(`A publisher ended with ${child.exitCode}.`)
}

/** Compares what the publishers have committed with what the handlers did. */
export async function judged(
  stage: Stage,
  interruptions: readonly Interruption[],
  handlers: readonly string[] = [HANDLER],
) {
  const { rows: published } = await stage.database.query<PublishedTurn>(
    `select event_id as "eventId", key, turn from published`,
  )
  const { rows: live } = await stage.database.query<LiveDelivery>(
    `select singleton_key as lane, data ->> 'event' as "eventId", state::text as state, blocked
    from pgboss.job where state < 'completed'`,
  )
  const trace = await stage.trace.entries()
  const dead = await stage.dead()
  return {
    published: published.length,
    withoutLock: published.filter(({ turn }) => turn === null).length,
    runs: trace.filter(({ step }) => step === 'start').length,
    failures: trace.filter(({ step }) => step === 'fail').length,
    problems: [
      ...outOfOrder(published, trace, dead),
      ...overtaken(published, trace, dead, interruptions),
      ...overlaps(trace, interruptions),
      ...lost(published.flatMap(({ eventId }) => handlers.map((handler) => ({ handler, eventId }))), trace, dead), // prettier-ignore
      ...needlessRepeats(trace, interruptions),
      ...ghosts(trace, new Set(published.map(({ eventId }) => eventId))),
      ...stuck(live),
    ],
  }
}

/** Returns the lines that a server must never log, no matter what happens to its clients. */
export function conflictsIn(log: string): readonly string[] {
  if (!log.includes('ready to accept connections')) throw new Error('This is not the log of a server.')
  return log.split('\n').filter((line) => /duplicate key|deadlock detected|could not serialize/.test(line))
}
