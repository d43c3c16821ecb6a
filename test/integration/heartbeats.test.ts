/** Heartbeats from a thread, or from the main thread if no thread can send them. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { Pool } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { createBus, type Bus, type BusOptions, type BusSignal } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { aSignal, handlerThat, NoteTaken } from '../support/notes.ts'
import { heartbeat } from '../support/sessions.ts'
import { computeFor, connectedThreads, STALL_MS, threads } from '../support/heartbeat-threads.ts'
import { until } from '../support/until.ts'

test('after a stall, the late outcome ends a claim that was given up, unless another worker has claimed it since', async () => {
  let runs = 0
  const { opened } = await working(() => {
    runs += 1
    computeFor(2_500)
  })

  await opened.bus.publish(NoteTaken({ n: 1 }))
  await until('it is done', async () => (await endings(opened)).length === 1, 20_000)

  expect(runs).toBe(1)
  expect(await endings(opened)).toEqual([{ codes: ['POSTBUS_WORKER_STALLED'] }])
  expect(opened.signalsNamed('worker.stalled')).toMatchObject([{ fields: { handlers: ['notes.take'] } }])
})

test('if the connection cannot be used in a thread, the main thread sends heartbeats, and this is reported once', async () => {
  const { opened, finish } = await waiting()
  const signals: BusSignal[] = []
  const bus = createBus({
    connection: { ...whereIs(opened), stream: () => new Socket() },
    handlers: [handlerThat(() => finish.promise)],
    onSignal: (signal) => signals.push(signal),
  })
  onTestFinished(() => bus.close())

  const before = await beginsWith(opened, bus)
  await until('a heartbeat comes all the same', async () => (await heartbeat(opened.database)) !== before)
  finish.resolve()

  expect(signals.filter(({ name }) => name === 'heartbeats.on-main-thread')).toMatchObject([
    { fields: { reason: 'its client connects in a way of its own' } },
  ])
})

test.each<[string, (opened: TestBus) => BusOptions]>([
  ['a connection string', ({ connectionString }) => ({ connectionString })],
  ['a function', ({ connectionString }) => ({ connectionString: async () => connectionString })],
  [
    'options with a password function',
    (opened) => ({ connection: { ...whereIs(opened), password: async () => whereIs(opened).password } }),
  ],
  ['a pool', ({ connectionString }) => ({ pool: aPool(connectionString) })],
])(
  'given %s, a thread has its own connection, and sends heartbeats while the event loop stands still',
  async (_, options) => {
    const { opened, finish } = await waiting()
    const signals: BusSignal[] = []
    const bus = createBus({
      ...options(opened),
      handlers: [handlerThat(() => finish.promise)],
      onSignal: (signal) => signals.push(signal),
    })
    onTestFinished(() => bus.close())
    await beginsWith(opened, bus)
    await connectedThreads(opened)

    computeFor(STALL_MS)

    expect(await threads(opened)).toMatchObject([{ query: expect.stringMatching(/^begin.*\.keep\(.*commit$/s) }])
    finish.resolve()
    await until('the stall is told', () => signals.length > 1)
    expect(signals.map(({ name }) => name)).toEqual(['worker.started', 'worker.stalled'])
  },
)

test('a thread whose connection was cut connects again, and calls the password function again', async () => {
  const { opened, finish } = await waiting()
  let asked = 0
  const password = async () => {
    asked += 1
    return whereIs(opened).password
  }
  const bus = createBus({
    connection: { ...whereIs(opened), password },
    handlers: [handlerThat(() => finish.promise)],
  })
  onTestFinished(() => bus.close())
  await beginsWith(opened, bus)
  const [before] = await connectedThreads(opened)
  const askedBefore = asked

  await opened.database.query('select pg_terminate_backend($1)', [before?.pid])
  await until('it is gone', async () => (await threads(opened)).every(({ pid }) => pid !== before?.pid))
  await connectedThreads(opened)
  computeFor(STALL_MS)

  expect(await threads(opened)).toMatchObject([{ query: expect.stringContaining('.keep(') }])
  expect(asked).toBeGreaterThan(askedBefore)
  finish.resolve()
})

/** The part of the bundler that this test needs. Rolldown is installed because vitest uses it: the package does not depend on it. */
interface Bundler {
  rolldown(options: object): Promise<{ write(options: object): Promise<unknown> }>
}
const BUNDLER: string = 'rolldown'

test.each([
  ['esm', true],
  ['cjs', false],
])(
  'an application bundled into one file, as %s, minified: %s, keeps the claims of a handler that computes',
  async (format, minify) => {
    const opened = await openTestBus({ handlers: [handlerThat(() => undefined)] })
    onTestFinished(() => opened.close())
    const { rolldown } = (await import(BUNDLER)) as Bundler
    const app = await mkdtemp(join(tmpdir(), 'postbus-one-file-'))
    onTestFinished(() => rm(app, { recursive: true }))
    await mkdir(join(app, 'out'))
    await writeFile(join(app, 'app.ts'), APP)
    await writeFile(
      join(app, 'out', 'package.json'),
      JSON.stringify({ type: format === 'esm' ? 'module' : 'commonjs' }),
    )
    const bundle = await rolldown({
      input: join(app, 'app.ts'),
      platform: 'node',
      external: ['pg-native'],
      logLevel: 'silent',
    })
    const file = join(app, 'out', 'app.js')
    await bundle.write({ file, format, minify, codeSplitting: false })
    await opened.bus.publish(NoteTaken({ n: 1 }))

    const run = promisify(execFile)(process.execPath, [file, opened.connectionString])
    const beats = new Set<string>()
    await until(
      'it has run',
      async () => {
        const at = await heartbeat(opened.database)
        if (at) beats.add(at)
        return (await endings(opened)).length === 1
      },
      25_000,
    )

    expect((await run).stdout).toMatch(/^worker\.started worker\.stalled (?!.*(claim\.lost|main-thread))/)
    expect(beats.size).toBeGreaterThanOrEqual(3)
  },
)

const APP = `
import { createBus, defineEvent, defineHandler } from ${JSON.stringify(resolve('src/index.ts'))}
const schema = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }
const NoteTaken = defineEvent('notes.note-taken', { schema })
const signals = []
const ended = Promise.withResolvers()
const take = defineHandler('notes.take', {
  on: NoteTaken,
  handle() {
    for (const end = performance.now() + 5_000; performance.now() < end; );
    setTimeout(ended.resolve, 1_000)
  },
})
const bus = createBus({ connectionString: process.argv[2], handlers: [take], onSignal: ({ name }) => signals.push(name) })
const worker = bus.worker()
worker.start().then(() => ended.promise).then(() => worker.stop()).then(() => bus.close()).then(() => process.stdout.write(signals.join(' ')))
`

async function working(does: () => unknown) {
  const opened = await openTestBus({ handlers: [handlerThat(does, { timeoutMs: 1_000 })] })
  onTestFinished(() => opened.close())
  const worker = opened.bus.worker({ shutdownGraceMs: 0 })
  onTestFinished(async () => void (await worker.stop()))
  await worker.start()
  return { opened }
}

/** A database whose only handler waits until the test lets it end. */
async function waiting() {
  const finish = aSignal()
  const opened = await openTestBus({ handlers: [handlerThat(() => finish.promise)] })
  onTestFinished(() => opened.close())
  return { opened, finish }
}

/** Starts a worker, and returns the first heartbeat of its running delivery. */
async function beginsWith(opened: TestBus, bus: Bus): Promise<string | null> {
  const worker = bus.worker({ shutdownGraceMs: 100 })
  onTestFinished(async () => void (await worker.stop()))
  await worker.start()
  await opened.bus.publish(NoteTaken({ n: 1 }))
  await until('it runs', async () => (await heartbeat(opened.database)) !== null)
  return heartbeat(opened.database)
}

function whereIs({ connectionString }: TestBus) {
  const { hostname, port, pathname, username, password } = new URL(connectionString)
  return {
    host: hostname,
    port: Number(port),
    database: pathname.slice(1),
    user: username,
    password: decodeURIComponent(password),
  }
}

function aPool(connectionString: string): Pool {
  const pool = new Pool({ connectionString })
  onTestFinished(() => pool.end())
  return pool
}

async function endings({ database }: TestBus): Promise<readonly unknown[]> {
  const { rows } = await database.query(
    `select coalesce((select jsonb_agg(error -> 'code') from jsonb_array_elements(detail -> 'errors') error), '[]') as codes
    from postbus.history`,
  )
  return rows
}
