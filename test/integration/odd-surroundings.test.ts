/** Workers in unusual surroundings: two in one process, no TCP, a network that is too slow for a claim or for a look at silent claims. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { createBus, type BusOptions, type BusSignal, type WorkerOptions } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { computeFor, connectedThreads, STALL_MS, threads } from '../support/heartbeat-threads.ts'
import { handlerThat, NoteTaken, storedNotes, type Doing } from '../support/notes.ts'
import { openTcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'

interface Around {
  onTestFinished(done: () => Promise<void>): void
}

test.concurrent('two workers in one process share the work, and one of them can stop alone', async (around) => {
  const ran: number[] = []
  const opened = await open(around, (n) => void ran.push(n))
  const workers = [1, 2].map(() => opened.bus.worker({ pollMs: 100, queues: { events: 2, events_partitioned: 2 } }))
  around.onTestFinished(async () => void (await Promise.all(workers.map((worker) => worker.stop()))))
  await Promise.all(workers.map((worker) => worker.start()))

  await publish(opened, 60)
  await until('some are done', () => ran.length > 5)
  await workers[0]?.stop()
  await until('all are done', async () => (await states(opened)).every((state) => state === 'completed'))

  expect(ran.toSorted((one, other) => one - other)).toEqual(Array.from({ length: 60 }, (_, n) => n))
  expect(workers.map((worker) => worker.counts().done).reduce((sum, count) => sum + count)).toBe(60)
  expect(opened.signalsNamed('claim.lost')).toEqual([])
})

test('over a Unix socket a worker works, is woken, and keeps its claims while it computes', async () => {
  const around = { onTestFinished }
  const opened = await open(around, () => undefined)
  const host = await socketTo(around, opened)
  const { username, password, pathname } = new URL(opened.connectionString)
  const connection = { host, port: 5432, user: username, password, database: pathname.slice(1) }
  const { worker, signals } = await working(around, { connection }, { pollMs: 60_000 }, (n) => {
    if (n === 7) computeFor(STALL_MS)
  })

  await publish(opened, 3)
  await connectedThreads(opened)
  await opened.bus.publish(NoteTaken({ n: 7 }))
  await until('all are done', () => worker.counts().done === 4)

  await until('the stall is told', () => signals.some(({ name }) => name === 'worker.stalled'))
  expect(new Set(signals.map(({ name }) => name))).toEqual(new Set(['worker.started', 'worker.stalled']))
  await until('the thread has kept them', async () =>
    (await threads(opened)).some(({ query }) => query.includes('.keep(')),
  )
})

test.concurrent(
  'after a claim that is too large for the network to return in time, the worker makes smaller ones',
  { timeout: 120_000 },
  async (around) => {
    const opened = await open(around, () => undefined)
    const proxy = await openTcpProxy(opened.connectionString)
    around.onTestFinished(() => proxy.close())
    proxy.throttle(1_200_000)
    const text = 'x'.repeat(100_000)
    await opened.bus.publish(Array.from({ length: 20 }, (_, n) => NoteTaken({ n, text })))

    const line = { connectionString: proxy.through(opened.connectionString), queryTimeoutMs: 1_500 }
    const { worker } = await working(around, line, { pollMs: 200 }, () => undefined)
    await until('all are done', () => worker.counts().done === 20, 100_000)

    expect(await opened.bus.deadLetters.count()).toBe(0)
  },
)

test.concurrent(
  'even where a look at silent claims takes longer than its period, another worker takes over a dead worker’s deliveries',
  { timeout: 60_000 },
  async (around) => {
    const opened = await open(around, () => undefined)
    const proxy = await openTcpProxy(opened.connectionString)
    around.onTestFinished(() => proxy.close())
    const { worker, signals } = await working(
      around,
      { connectionString: proxy.through(opened.connectionString) },
      {},
      () => 0,
    )
    proxy.delay(600)
    await publishAsClaimedByTheDead(opened)

    await until('it is taken over', () => worker.counts().done === 1, 45_000)

    expect(signals.filter(({ name }) => name === 'delivery.recovered')).toHaveLength(1)
  },
)

async function open(around: Around, does: Doing): Promise<TestBus> {
  const opened = await openTestBus({ handlers: [handlerThat(does, { maxAttempts: 3 })] })
  around.onTestFinished(() => opened.close())
  return opened
}

/** A worker that connects to the database in another way. */
async function working(around: Around, how: BusOptions, options: WorkerOptions, does: Doing) {
  const signals: BusSignal[] = []
  const bus = createBus({
    ...how,
    handlers: [handlerThat(does, { maxAttempts: 3 })],
    onSignal: (signal) => void signals.push(signal),
  })
  around.onTestFinished(() => bus.close())
  const worker = bus.worker({ shutdownGraceMs: 0, ...options })
  around.onTestFinished(async () => void (await worker.stop()))
  await worker.start()
  return { worker, signals }
}

async function publish(opened: TestBus, count: number): Promise<void> {
  await opened.bus.publish(
    Array.from({ length: count }, (_, n) => NoteTaken({ n, key: n % 2 ? `key ${n % 10}` : null })),
  )
}

/** Publishes a delivery that a dead process claimed 5 s ago. */
async function publishAsClaimedByTheDead(opened: TestBus): Promise<void> {
  const client = await opened.database.connect()
  await client.query('begin')
  await opened.bus.publish(NoteTaken({ n: 1 }), { tx: client })
  await client.query(
    `update pgboss.job set state = 'active', started_on = clock_timestamp() - interval '5 s',
      heartbeat_on = clock_timestamp() - interval '4.9 s'`,
  )
  await client.query('commit')
  client.release()
}

async function states(opened: TestBus): Promise<readonly string[]> {
  return (await storedNotes(opened)).map(({ state }) => state)
}

/** Returns the folder of a socket to the server. A thread runs the proxy, because it has to go on while this process computes. */
async function socketTo(around: Around, { connectionString }: TestBus): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'postbus-socket-'))
  const { hostname, port } = new URL(connectionString)
  const workerData = { path: join(folder, '.s.PGSQL.5432'), port: Number(port), host: hostname }
  const proxy = new Worker(PROXY, { eval: true, workerData })
  await once(proxy, 'message')
  around.onTestFinished(async () => {
    await proxy.terminate()
    await rm(folder, { recursive: true })
  })
  return folder
}

const PROXY = `
const { connect, createServer } = require('node:net')
const { parentPort, workerData: { path, port, host } } = require('node:worker_threads')
createServer((near) => {
  const far = connect(port, host)
  for (const one of [near, far]) one.on('error', () => undefined)
  near.pipe(far).pipe(near)
}).listen(path, () => parentPort.postMessage('listens'))
`
