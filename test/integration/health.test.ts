/** `worker.http()`: whether a worker is alive and ready, and its metrics for Prometheus. */
import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { createBus, failed, type AnyHandler, type Bus, type BusOptions } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { linesOf } from '../support/cli.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'
import { openTcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus()
  return () => opened.close()
})

beforeEach(() => emptyTables(opened.database))

test('a worker is ready from its start until its stop, and alive all the time, under any path', async () => {
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
  'with a database that does not answer (%s) a worker is alive but not ready, and its metrics omit the backlog',
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

test('metrics count, from then on, by event type and handler, and include the backlog', async () => {
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

test('each bucket of a histogram includes the ones before it', async () => {
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

test('other paths are not found, and a POST does nothing', async () => {
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

function busWith(its: readonly AnyHandler[], options: BusOptions = {}): Bus {
  const { connectionString } = opened
  const bus = createBus({ connectionString, handlers: its, onSignal: () => undefined, ...options })
  onTestFinished(() => bus.close())
  return bus
}
