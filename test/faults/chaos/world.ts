/** The target of the faults: a server of its own, worker processes, each behind its own proxy, and a proxy for the publishers. */
import { setTimeout as delay } from 'node:timers/promises'
import { startEmbeddedServer, type EmbeddedServer } from '../../support/embedded-server.ts'
import { openStage, type Stage } from '../../support/stage.ts'
import { openTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'
import type { Interruption } from '../../support/trace-checks.ts'
import type { WorkerProcess } from '../../support/worker-process.ts'
import { held } from '../kills-under-load.ts'
import { createTables } from '../order-under-load.ts'

export const KEYS = 40
/** The handler that reads the log. */
export const READER = 'faults.reading'
export const HANDLERS = [
  { name: 'faults.steady', maxAttempts: 1_000 },
  { name: READER, maxAttempts: 1_000, delivery: 'log', shards: 8 },
] as const
const WORKERS = 3
const INSIST_MS = 60_000
/** No claim of a silent worker is taken over before this time. */
const TAKEN_OVER_MS = 8_000

export interface ChaosWorker {
  readonly process: WorkerProcess
  readonly proxy: TcpProxy
}

export interface World {
  /** Random numbers for the faults. Each fault draws them before it waits for anything, so a seed gives the same faults again. */
  readonly random: () => number
  readonly server: EmbeddedServer
  readonly stage: Stage
  readonly workers: ChaosWorker[]
  /** The publishers' way to the server. */
  readonly proxy: TcpProxy
  /** The interruptions after which runs may be repeated. */
  readonly interruptions: Interruption[]
  /** The periods in which the server accepted no heartbeats. */
  readonly heldUp: { readonly from: number; readonly to: number }[]
  /** Returns one of the workers, chosen at random. */
  anyWorker(): ChaosWorker
  /** Starts another worker in the place of `gone`. */
  replace(gone: ChaosWorker): Promise<void>
  /** Returns the current claims, as soon as the server can report them. */
  holding(): Promise<Pick<Interruption, 'holding'>>
  /** Repeats a statement until the server accepts it, for up to a minute. */
  insist(statement: string): Promise<void>
  pause(ms: number): Promise<void>
  close(): Promise<void>
}

export async function openWorld(random: () => number): Promise<World> {
  const server = await startEmbeddedServer({ max_connections: '200' })
  const stage = await openStage({ handlers: HANDLERS, server: server.connectionString })
  await createTables(stage, KEYS)
  const proxy = await openTcpProxy(server.connectionString)
  const proxies = [proxy]
  const workers = await Promise.all(Array.from({ length: WORKERS }, startWorker))

  async function startWorker(): Promise<ChaosWorker> {
    const way = await openTcpProxy(server.connectionString)
    proxies.push(way)
    const words = ['--queues', 'events=4,events_partitioned=8']
    const limits = { queryTimeoutMs: 3_000, connectTimeoutMs: 3_000 }
    const process = await stage.worker({ connectionString: way.through(server.connectionString), words, ...limits })
    return { process, proxy: way }
  }

  return {
    random,
    server,
    stage,
    workers,
    proxy,
    interruptions: [],
    heldUp: [],
    anyWorker: () => workers[Math.floor(random() * workers.length)]!,
    async replace(gone) {
      const place = workers.indexOf(gone)
      if (place >= 0) workers[place] = await startWorker()
    },
    async holding() {
      for (const startedAt = performance.now(); performance.now() < startedAt + TAKEN_OVER_MS;) {
        await delay(300) // a claim may still be on its way
        const holding = await held(stage).catch(() => null)
        if (holding) return { holding }
      }
      return {}
    },
    async insist(statement) {
      let refusal: unknown
      for (const startedAt = performance.now(); performance.now() < startedAt + INSIST_MS; await delay(100)) {
        refusal = await stage.database.query(statement).then(
          () => undefined,
          (error: unknown) => error,
        )
        if (refusal === undefined) return
      }
      throw new Error(`The server does not take: ${statement}`, { cause: refusal })
    },
    pause: (ms) => delay(ms),
    async close() {
      await stage.close()
      for (const one of proxies) await one.close()
      await server.remove()
    },
  }
}
