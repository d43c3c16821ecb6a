/**
 * Measures each step of an event through JetStream: `node bench/engine.ts [events] [processes,…]`. It needs the program nats-server.
 * All parts share this machine: compare them with each other, and not with other machines.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { createBus, defineHandler } from '../src/index.ts'
import { openNatsServer } from '../test/support/nats-server.ts'
import { benchServer } from './databases.ts'
import { placed, Placed, type EngineWorkerReport, type EngineWorkerSettings } from './engine-load.ts'

const [events = 100_000] = process.argv.slice(2).map(Number)
const processes = (process.argv[3] ?? '1,2,4').split(',').map(Number)
const program = resolve(import.meta.dirname, 'engine-worker.ts')
const LIST = 1_000
const SINGLE = 400
const STREAM = 'bench'

const server = await benchServer()
const nats = await openNatsServer()
const database = await server.create()
const { connectionString } = database
const looking = new Client({ connectionString })
await looking.connect()
const client = await nats.connect()
const twenty = Array.from({ length: 20 }, (_, n) => `bench.read-${n}`)
const publishing = createBus({
  connectionString,
  handlers: handlersNamed(twenty.slice(0, 1)),
  onSignal: () => undefined,
})
await publishing.migrate()
console.log(`${server.which}; nats-server, one process, file storage`)

await publishOne('one event in a commit, 1 log handler', 1)
await publishOne('one event in a commit, 20 log handlers', 20)
const rate = await timed(async () => {
  for (let n = 0; n < events; n += LIST)
    await publishing.publish(Array.from({ length: LIST }, (_, place) => placed(n + place)))
})
print('publish in lists of 1,000', {
  'events/s': events / rate.seconds,
  'server bytes of WAL/event': rate.wal / events,
})

for (const count of processes) await drain('read in Postgres', count, null)
await relayOnly()
for (const count of processes)
  await drain('read from a stream that is filled', count, { servers: nats.servers, stream: STREAM })
for (const count of processes)
  await drain('relayed and read at once', count, { servers: nats.servers, stream: `${STREAM}${count}` })
await storeOnly()
await latency('Postgres', null)
await latency('JetStream', { servers: nats.servers, stream: STREAM })

await publishing.close()
await looking.end()
await client.connection.close()
await nats.remove()
await database.drop()
await server.stop()

function handlersNamed(names: readonly string[]) {
  return names.map((name) => defineHandler(name, { on: Placed, delivery: 'log', shards: 16, handle: () => undefined }))
}

/** Uses a database of its own, so that other measurements do not affect it. */
async function publishOne(what: string, handlers: number): Promise<void> {
  const own = await server.create()
  const bus = createBus({
    connectionString: own.connectionString,
    handlers: handlersNamed(twenty.slice(0, handlers)),
    onSignal: () => undefined,
  })
  await bus.migrate()
  for (let n = 0; n < 200; n += 1) await bus.publish(placed(n)) // to warm up
  const { seconds, wal } = await timed(async () => {
    for (let n = 0; n < 2_000; n += 1) await bus.publish(placed(n))
  })
  print(what, { 'events/s': 2_000 / seconds, 'server bytes of WAL/event': wal / 2_000 })
  await bus.close()
  await own.drop()
}

/** The handler is paused, so the worker only copies the log. */
async function relayOnly(): Promise<void> {
  await beginAgain()
  await publishing.pause({ handler: twenty[0] ?? '' })
  const worker = await started({
    connectionString,
    handlers: twenty.slice(0, 1),
    nats: { servers: nats.servers, stream: STREAM },
    isTimed: false,
  })
  const stored = async () => (await client.manager.streams.info(STREAM).catch(() => null))?.state.messages ?? 0
  while ((await stored()) === 0) await delay(5)
  const [first, at, cpu] = [await stored(), performance.now(), worker.latest.cpuMs]
  while ((await stored()) < events) await delay(20)
  const seconds = (performance.now() - at) / 1_000
  await delay(50)
  const { state } = await client.manager.streams.info(STREAM)
  const relayed = events - first
  print('relay, nothing is read', {
    'events/s': relayed / seconds,
    'µs of CPU/event': ((worker.latest.cpuMs - cpu) * 1_000) / relayed,
    'bytes/event in the stream': state.bytes / state.messages,
  })
  await worker.stop()
  await publishing.resume({ handler: twenty[0] ?? '' })
}

async function drain(what: string, count: number, way: EngineWorkerSettings['nats']): Promise<void> {
  await beginAgain()
  const workers = await Promise.all(
    Array.from({ length: count }, () =>
      started({ connectionString, handlers: twenty.slice(0, 1), nats: way, isTimed: false }),
    ),
  )
  const done = () => workers.reduce((sum, { latest }) => sum + latest.done, 0)
  while (done() < events) await delay(20)
  await delay(50)
  const firstAt = Math.min(...workers.map(({ latest }) => latest.firstAt || Infinity))
  const lastAt = Math.max(...workers.map(({ latest }) => latest.lastAt))
  const cpuMs = workers.reduce((sum, { latest }) => sum + latest.cpuMs, 0)
  print(`${what}, ${count} ${count === 1 ? 'process' : 'processes'}`, {
    'events/s': (1_000 * done()) / (lastAt - firstAt),
    'µs of CPU/event': (cpuMs * 1_000) / done(),
  })
  await Promise.all(workers.map((worker) => worker.stop()))
}

/** How fast the server stores messages of the same size, from one client. */
async function storeOnly(): Promise<void> {
  await client.manager.streams.add({ name: 'plain', subjects: ['plain.*'] })
  const body = new Uint8Array(400).fill(65)
  const { seconds } = await timed(async () => {
    for (let n = 1; n <= events; n += 1) {
      if (n % LIST === 0) await client.client.publish('plain.1', body)
      else client.connection.publish('plain.1', body)
    }
  })
  print('nats-server stores 400 bytes, from one client', { 'messages/s': events / seconds })
}

async function latency(what: string, way: EngineWorkerSettings['nats']): Promise<void> {
  await beginAgain('end')
  const worker = await started({ connectionString, handlers: twenty.slice(0, 1), nats: way, isTimed: true })
  await delay(3_000)
  worker.took.length = 0
  for (let n = 0; n < SINGLE; n += 1) {
    await publishing.publish(placed(n))
    await delay(5 + Math.random() * 20)
  }
  await delay(500)
  const took = worker.took.toSorted((one, other) => one - other)
  const at = (share: number) => took[Math.floor(took.length * share)] ?? NaN
  print(`from publish to handler, ${what}`, { 'ms (p50)': at(0.5), 'ms (p99)': at(0.99) })
  await worker.stop()
}

async function beginAgain(where: 'start' | 'end' = 'start'): Promise<void> {
  const position = where === 'start' ? '0' : '(select max(seq) from postbus.event)'
  await looking.query(`update postbus.log_cursor set position = ${position}, owner = null, fence = fence + 1`)
  await looking.query('delete from postbus.log_reader')
}

async function timed(work: () => Promise<unknown>) {
  const before = await walPosition()
  const began = performance.now()
  await work()
  const seconds = (performance.now() - began) / 1_000
  return { seconds, wal: (await walPosition()) - before }
}

async function walPosition(): Promise<number> {
  const { rows } = await looking.query<{ bytes: string }>(`select pg_current_wal_lsn() - '0/0' as bytes`)
  return Number(rows[0]?.bytes)
}

async function started(settings: EngineWorkerSettings) {
  const child = fork(program, [JSON.stringify(settings)])
  const worker = {
    latest: { done: 0, firstAt: 0, lastAt: 0, cpuMs: 0, took: [] } as EngineWorkerReport,
    took: [] as number[],
    stop: () => stopped(child),
  }
  await once(child, 'message')
  child.on('message', (report: EngineWorkerReport) => {
    worker.latest = report
    worker.took.push(...report.took)
  })
  child.send('start')
  return worker
}

async function stopped(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.send('stop')
  await exit
}

function print(what: string, figures: Readonly<Record<string, number>>): void {
  const said = Object.entries(figures).map(
    ([name, value]) => `${value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 1 : 0 })} ${name}`,
  )
  console.log(`${what}: ${said.join(', ')}`)
}
