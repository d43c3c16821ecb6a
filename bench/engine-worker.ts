/** A worker process for `engine.ts`: handlers that read the log from Postgres or from JetStream. It reports what they did. */
import { createBus, defineHandler } from '../src/index.ts'
import { jetStream } from '../src/jetstream/index.ts'
import { Placed, type EngineWorkerSettings, type EngineWorkerReport } from './engine-load.ts'

const settings = JSON.parse(process.argv[2] ?? '{}') as EngineWorkerSettings
const { connectionString, nats, handlers } = settings
const TELL_EVERY_MS = 20
let done = 0
let firstAt = 0
let lastAt = 0
let before = process.cpuUsage()
let took: number[] = []

function note({ data }: { readonly data: { readonly at: number } }): void {
  done += 1
  lastAt = Date.now()
  if (firstAt === 0) {
    firstAt = lastAt
    before = process.cpuUsage()
  }
  if (settings.isTimed) took.push(performance.timeOrigin + performance.now() - data.at)
}

const bus = createBus({
  connectionString,
  handlers: handlers.map((name) => defineHandler(name, { on: Placed, delivery: 'log', shards: 16, handle: note })),
  ...(nats && { engine: jetStream(nats) }),
  onSignal: ({ level, message }) => void (level === 'error' && process.stderr.write(`${message}\n`)),
})
const worker = bus.worker({ queues: { events: 20, events_partitioned: 200 } })

const telling = setInterval(tell, TELL_EVERY_MS)
process.on('message', (word) => void (word === 'start' ? worker.start() : stop()))
process.send?.('ready')

function tell(): void {
  const { user, system } = process.cpuUsage(before)
  const report: EngineWorkerReport = { done, firstAt, lastAt, cpuMs: (user + system) / 1_000, took }
  took = []
  if (process.connected) process.send?.(report)
}

async function stop(): Promise<void> {
  clearInterval(telling)
  await worker.stop()
  await bus.close()
  tell()
  process.disconnect()
}
