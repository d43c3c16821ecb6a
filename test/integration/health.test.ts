/** `worker.http()`: whether a worker lives and is ready, and its metrics for Prometheus; `postbus worker --http` and `postbus health`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import type { Command, Invocation } from '../../src/cli/command.ts'
import { health } from '../../src/cli/health.ts'
import { serve } from '../../src/cli/serve.ts'
import { worker } from '../../src/cli/worker.ts'
import { createBus, failed, type AnyHandler, type Bus, type BusOptions } from '../../src/index.ts'
import { prometheusName } from '../../src/metrics/prometheus.ts'
import { STANDING, WORK } from '../../src/metrics/metrics.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { linesOf } from '../support/cli.ts'
import * as handlers from '../support/fixtures/cli/event-handlers.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'
import { openTcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({ handlers })
  return () => opened.close()
})

beforeEach(() => emptyTables(opened.database))

test('a worker is ready from when it has started until it stops, and alive all the time; below any path', async () => {
  const working = busWith([]).worker()
  const http = working.http()
  const ready = async () => {
    const response = await http(new Request('http://localhost/internal/readyz'))
    return [response.status, await response.json()]
  }

  const before = await ready()
  await working.start()
  const started = await ready()
  await working.stop()
  const after = await ready()

  expect(before).toEqual([503, { ready: false, reasons: ['the worker has not started'] }])
  expect(started).toEqual([200, { ready: true, reasons: [] }])
  expect(after).toEqual([503, { ready: false, reasons: ['the worker is stopping'] }])
  expect((await http(new Request('http://localhost/livez'))).status).toBe(200)
})

test.for(['refuse', 'blackhole'] as const)(
  'a database that does not answer (%s): not ready, alive, and metrics without what waits',
  async (mode) => {
    const proxy = await openTcpProxy(opened.connectionString)
    onTestFinished(() => proxy.close())
    const bus = busWith([], {
      connectionString: proxy.through(opened.connectionString),
      connectTimeoutMs: 1_000,
      queryTimeoutMs: 1_000,
    })
    const http = bus.worker().http()
    proxy.set(mode)

    const [ready, alive, metrics] = await Promise.all(
      ['readyz', 'livez', 'metrics'].map((name) => http(new Request(`http://localhost/${name}`))),
    )

    expect([ready?.status, alive?.status, metrics?.status]).toEqual([503, 200, 200])
    const said = (await ready?.json()) as { readonly reasons: readonly string[] } | undefined
    expect(said?.reasons[1]).toMatch(/^the database (cannot be reached|has not answered for [\d.]+ s)$/)
    expect(await metrics?.text()).not.toContain('postbus_backlog{')
  },
)

test('metrics count what the bus does from then on, by event type and handler, and say what waits', async () => {
  const fails = handlerThat(() => failed('no'), { name: 'notes.die', maxAttempts: 1 })
  const bus = busWith([handlerThat(() => undefined), fails])
  const another = busWith([])
  const working = bus.worker()
  const http = working.http()
  await bus.publish([NoteTaken({ n: 1 }), NoteTaken({ n: 2 })])
  await another.publish(NoteTaken({ n: 3 }))
  await working.start()
  await until('both are handled', () => working.counts().done === 2 && working.counts().dead === 2)

  const response = await http(new Request('http://localhost/metrics'))

  const text = await response.text()
  await working.stop()
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const value = (series: string) => {
    const line = linesOf(text).find((one) => one.startsWith(`${series} `))
    return line === undefined ? null : Number(line.slice(series.length))
  }
  const note = 'messaging_destination_name="notes.note-taken"'
  const process = 'messaging_system="postbus",messaging_operation_name="process",messaging_operation_type="process"'
  const take = `${process},${note},messaging_consumer_group_name="notes.take"`
  const die = `${process},${note},messaging_consumer_group_name="notes.die"`
  expect(
    value(
      `messaging_client_sent_messages_total{messaging_system="postbus",messaging_operation_name="publish",messaging_operation_type="send",${note}}`,
    ),
  ).toBe(2)
  expect(value(`messaging_client_consumed_messages_total{${take}}`)).toBe(2)
  expect(value(`messaging_client_consumed_messages_total{${die},error_type="failed"}`)).toBe(2)
  expect(value(`messaging_process_duration_seconds_bucket{${take},le="+Inf"}`)).toBe(2)
  expect(value(`messaging_process_duration_seconds_count{${take}}`)).toBe(2)
  expect(value(`postbus_delivery_latency_seconds_count{${take}}`)).toBe(2)
  expect(
    value('postbus_dead_letters_total{messaging_system="postbus",messaging_consumer_group_name="notes.die"}'),
  ).toBe(2)
  expect(value('postbus_dead_letters_open{messaging_system="postbus",messaging_consumer_group_name="notes.die"}')).toBe(
    2,
  )
  expect(
    value(
      'postbus_backlog{messaging_system="postbus",messaging_consumer_group_name="notes.take",postbus_state="waiting"}',
    ),
  ).toBe(0)
  for (const line of linesOf(text))
    expect(line).toMatch(/^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+\{([a-z_]+="[^"\n]*",?)*\} [\d.e+-]+)$/)
})

test('buckets of a histogram add up, each with those before it', async () => {
  const bus = busWith([handlerThat((n) => new Promise((done) => setTimeout(done, n)))], { backend: 'postgres' })
  const working = bus.worker()
  const http = working.http()
  await bus.publish([1, 60, 300].map((n) => NoteTaken({ n })))
  await working.start()
  await until('all are handled', () => working.counts().done === 3)

  const text = await (await http(new Request('http://localhost/metrics'))).text()

  await working.stop()
  const buckets = Array.from(
    text.matchAll(/^messaging_process_duration_seconds_bucket\{.*le="(.*)"\} (\d+)$/gm),
    ([, end, count]) => [end, Number(count)] as const,
  )
  const counts = buckets.map(([, count]) => count)
  expect(counts).toEqual(counts.toSorted((one, other) => one - other))
  expect(Object.fromEntries(buckets)).toMatchObject({ '0.25': 2, '+Inf': 3 })
})

test('there is nothing else, and nothing is done by a post', async () => {
  const http = busWith([]).worker().http()
  const status = async (path: string, method: string) =>
    (await http(new Request(`http://localhost/${path}`, { method }))).status

  expect(await status('', 'GET')).toBe(404)
  expect(await status('toString', 'GET')).toBe(404)
  expect(await status('livez', 'POST')).toBe(405)
  expect(await status('livez', 'HEAD')).toBe(200)
  expect(() =>
    busWith([])
      .worker()
      .http({ every: 1 } as never),
  ).toThrow(expect.objectContaining({ code: 'POSTBUS_INVALID_OPTIONS' }))
})

test('every metric that the dashboard and the alerts name is one of ours', () => {
  const names = Object.values({ ...WORK, ...STANDING }).flatMap((metric) => {
    const name = prometheusName(metric)
    return metric.kind === 'histogram' ? ['bucket', 'sum', 'count'].map((what) => `${name}_${what}`) : [name]
  })

  for (const file of ['docs/grafana/dashboard.json', 'docs/grafana/alerts.yml']) {
    const used = readFileSync(file, 'utf8').match(/\b(?:postbus|messaging)_[a-z_]+(?=\{|\[|\)| )/g) ?? []
    expect(new Set(used).size).toBeGreaterThan(3)
    expect([...new Set(used)].filter((name) => !names.includes(name) && !isLabel(name))).toEqual([])
  }
})

test('postbus worker --http serves it, and postbus health asks it; signals are JSON lines, and nothing else is printed', async () => {
  const working = startWorker(['--http', '0', '--http-host', '127.0.0.1', '--log', 'json'])
  const url = `${await working.url}/readyz`
  await until('the worker is ready', async () => (await fetch(url)).ok)

  const ready = await run(health, { url })
  working.kill()

  expect(ready).toEqual({ code: 0, said: '{"ready":true,"reasons":[]}\n' })
  expect(await working.exited).toBe(0)
  expect(await run(health, { url })).toMatchObject({
    code: 1,
    said: expect.stringContaining('ECONNREFUSED') as string,
  })
  const [place, ...lines] = working.lines
  expect(place).toMatch(/^Health checks: \S+\/readyz\. Metrics: \S+\/metrics\.$/)
  const signals = lines.filter((line) => line.includes('worker.')).map((line) => JSON.parse(line) as object)
  expect(signals[0]).toMatchObject({
    level: 'info',
    signal: 'worker.started',
    workerId: expect.any(String) as string,
  })
  expect(lines.filter((line) => line.includes('Working on'))).toHaveLength(1)
})

test('a port that is in use is refused', async () => {
  const place = { port: 0, host: '127.0.0.1' }
  const first = await serve(async () => new Response('first'), place)
  onTestFinished(() => first.close())

  const second = serve(async () => new Response('second'), { ...place, port: Number(new URL(first.url).port) })

  await expect(second).rejects.toMatchObject({ code: 'POSTBUS_PORT_IN_USE' })
  expect(await (await fetch(first.url)).text()).toBe('first')
})

test.for([
  [worker, { http: 'x' }, '--http x: expected a port'],
  [worker, { 'http-host': 'localhost' }, 'on which port'],
  [worker, { http: '9465', once: true }, 'leave out --once'],
  [worker, { log: 'xml' }, 'expected json or pretty'],
  [health, { url: 'nowhere' }, 'expected a URL'],
] as const)('a mistake: %o with %o', async ([command, options, says]) => {
  await expect(run(command, options)).rejects.toThrow(says)
})

/** Runs a command in this process. */
async function run(command: Command, options: Invocation['options']) {
  const said: string[] = []
  const stream = { write: (text: string) => said.push(text) } as unknown as NodeJS.WriteStream
  const code = await command.run({ options, words: [], terminal: { out: stream, err: stream, in: process.stdin } })
  return { code, said: said.join('') }
}

function busWith(its: readonly AnyHandler[], options: BusOptions = {}): Bus {
  const { connectionString } = opened
  const bus = createBus({ connectionString, handlers: its, onSignal: () => undefined, ...options })
  onTestFinished(() => bus.close())
  return bus
}

function isLabel(name: string): boolean {
  return ['messaging_consumer_group_name', 'messaging_destination_name', 'postbus_state'].includes(name)
}

function startWorker(words: readonly string[]) {
  const config = resolve(import.meta.dirname, '../support/fixtures/cli/postbus.config.ts')
  const main = resolve(import.meta.dirname, '../../src/cli/main.ts')
  const child = spawn(process.execPath, [main, 'worker', ...words, '--config', config], {
    env: { DATABASE_URL: opened.connectionString, NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  const { promise: url, resolve: found } = Promise.withResolvers<string>()
  createInterface(child.stderr).on('line', (line) => {
    lines.push(line)
    const [, served] = /^Health checks: (\S+)\/readyz\./.exec(line) ?? []
    if (served !== undefined) found(served)
  })
  const exited = once(child, 'close').then(([code]) => code as number | null)
  return { url, lines, exited, kill: () => child.kill('SIGTERM') }
}
