/** `postbus/otel` with the real SDK: spans that are linked correctly, their attributes, and metrics of the same work. */
import { context, SpanKind, SpanStatusCode, type Attributes } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base'
import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { createBus, defineHandler, failed, skip, type AnyHandler, type Bus, type BusOptions } from '../../src/index.ts'
import { openTelemetry, type OpenTelemetryOptions } from '../../src/otel/index.ts'
import { batched } from '../support/batches.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'

const exporter = new InMemorySpanExporter()
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
const tracer = tracerProvider.getTracer('the application')
const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 3_600_000 })
const meterProvider = new MeterProvider({ readers: [reader] })
let opened: TestBus

beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  opened = await openTestBus()
  return async () => {
    context.disable()
    await meterProvider.shutdown()
    await opened.close()
  }
})

beforeEach(async () => {
  exporter.reset()
  await emptyTables(opened.database)
})

test('with attempts as children, a request, its events, their handlers and the events that these publish are one trace', async () => {
  const bus = busWith(TWO_HANDLERS, { attempts: 'child' })

  await tracer.startActiveSpan('POST /notes', async (request) => {
    await bus.publish(NoteTaken({ n: 1, key: 'red' }))
    request.end()
  })
  await drained(bus)

  expect(tree()).toEqual([
    'POST /notes',
    '  publish notes.note-taken',
    '    process notes.copy',
    '    process notes.take',
    '      publish notes.note-taken',
    '        process notes.copy',
    '        process notes.take',
  ])
  expect(new Set(spans().map((span) => span.spanContext().traceId)).size).toBe(1)
})

test('by default each attempt, also a retry, begins its own trace, linked to the publish of its event', async () => {
  const bus = busWith([
    handlerThat((_, { attempt }) => (attempt === 1 ? failed('not now') : undefined), { backoff: () => 0 }),
  ])

  await bus.publish(NoteTaken({ n: 1 }))
  await drained(bus)

  const [publish, ...attempts] = spans()
  expect(attempts.map(({ attributes }) => attributes['postbus.attempt'])).toEqual([1, 2])
  for (const attempt of attempts) {
    expect(attempt.parentSpanContext).toBeUndefined()
    expect(attempt.spanContext().traceId).not.toBe(publish!.spanContext().traceId)
    expect(attempt.links.map((link) => link.context.spanId)).toEqual([publish!.spanContext().spanId])
  }
})

test('a batch is one span, linked to every publish of its events, and counts each event', async () => {
  const bus = busWith([batched(undefined, { maxWaitMs: 10_000 }).handler], { attempts: 'child' })

  await bus.publish([NoteTaken({ n: 1 }), NoteTaken({ n: 2 })])
  await bus.publish(NoteTaken({ n: 3 }))
  await drained(bus)

  const [one, other, batch] = spans()
  expect(batch).toMatchObject({ name: 'process notes.store', kind: SpanKind.CONSUMER })
  expect(batch!.attributes['messaging.batch.message_count']).toBe(3)
  expect(batch!.links.map((link) => link.context.spanId)).toEqual(
    [one, other].map((span) => span!.spanContext().spanId),
  )
  expect(batch!.parentSpanContext).toBeUndefined()
})

test('spans name their event, handler and attempt, and how it ended', async () => {
  const bus = busWith([
    handlerThat((n) => (n === 1 ? skip('no need') : Promise.reject(new TypeError('broken'))), { maxAttempts: 1 }),
  ])
  const one = NoteTaken({ n: 1, key: 'red' }, { occurredAt: new Date(Date.now() - 5_000) })

  await bus.publish(one)
  await bus.publish([NoteTaken({ n: 2 }), NoteTaken({ n: 3 })])
  await drained(bus)

  const [publish, list, ...attempts] = spans()
  expect([publish, list].map((span) => [span?.name, span?.kind])).toEqual([
    ['publish notes.note-taken', SpanKind.PRODUCER],
    ['publish notes.note-taken', SpanKind.PRODUCER],
  ])
  expect(publish!.attributes).toEqual({
    'messaging.system': 'postbus',
    'messaging.operation.name': 'publish',
    'messaging.operation.type': 'send',
    'messaging.destination.name': 'notes.note-taken',
    'messaging.message.id': one.id,
    'postbus.partition_key': 'red',
    'postbus.event_version': 1,
  })
  expect(list!.attributes['messaging.batch.message_count']).toBe(2)
  const skipped = attempts.find(({ attributes }) => attributes['messaging.message.id'] === one.id)!
  expect(skipped).toMatchObject({ name: 'process notes.take', kind: SpanKind.CONSUMER, status: { code: 0 } })
  expect(skipped.attributes).toMatchObject({
    'messaging.consumer.group.name': 'notes.take',
    'messaging.operation.type': 'process',
    'messaging.message.conversation_id': one.id,
    'postbus.attempt': 1,
    'postbus.is_replay': false,
    'postbus.outcome': 'skip',
  })
  expect(skipped.attributes['postbus.latency_seconds']).toBeGreaterThanOrEqual(5)
  const broken = attempts.find((span) => span !== skipped)!
  expect(broken.status).toEqual({ code: SpanStatusCode.ERROR, message: 'broken' })
  expect(broken.attributes['error.type']).toBe('TypeError')
  expect(broken.events.map(({ name }) => name)).toEqual(['exception'])
})

test('a refused publish is an error of its span, and the error reaches the caller', async () => {
  const bus = busWith([], {}, { maxPayloadBytes: 1_024 })

  const publishing = bus.publish(NoteTaken({ n: 1, text: 'x'.repeat(2_000) }))

  await expect(publishing).rejects.toMatchObject({ code: 'POSTBUS_TOO_LARGE' })
  expect(spans()[0]).toMatchObject({
    status: { code: SpanStatusCode.ERROR },
    attributes: { 'error.type': 'POSTBUS_TOO_LARGE' },
  })
})

test('a trace from elsewhere is continued, and without an SDK it stays unchanged', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const event = () => NoteTaken({ n: 1 }, { metadata: { traceparent, tenant: 'acme' } })
  const bare = createBus({ backend: 'inline', middleware: [openTelemetry().middleware], handlers: [keeping()] })

  await busWith([]).publish(event())
  await bare.publish(event())

  expect(spans()[0]?.parentSpanContext).toMatchObject({
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
  })
  expect(kept).toEqual([{ traceparent, tenant: 'acme' }])
})

test('metrics count events, attempts, errors and dead letters, and measure durations', async () => {
  const signals: string[] = []
  const telemetry = openTelemetry({ meterProvider })
  const handlers = [
    handlerThat((n) => (n === 1 ? undefined : failed('no')), { name: 'notes.count', maxAttempts: 2, backoff: () => 0 }),
  ]
  const bus = busWith(
    handlers,
    {},
    {
      middleware: [telemetry.middleware],
      onSignal: telemetry.onSignal(({ name }) => signals.push(name)),
    },
  )

  await bus.publish([NoteTaken({ n: 1 }), NoteTaken({ n: 2 })])
  await drained(bus)
  await reader.forceFlush()

  const of = { 'messaging.consumer.group.name': 'notes.count' }
  expect(sum('messaging.client.sent.messages', { 'messaging.destination.name': 'notes.note-taken' })).toBe(2)
  expect(sum('messaging.client.consumed.messages', of)).toBe(3)
  expect(sum('messaging.client.consumed.messages', { ...of, 'error.type': 'failed' })).toBe(2)
  expect(sum('messaging.process.duration', of)).toBe(3)
  expect(sum('postbus.delivery.latency', of)).toBe(2)
  expect(sum('postbus.dead_letters', of)).toBe(1)
  expect(signals).toContain('delivery.dead')
})

test.each([
  [{ attempts: 'both' }, "expected `attempts` to be 'linked' or 'child'"],
  [{ tracer: 1 }, '"tracer" is none of'],
])('openTelemetry refuses %j', (options, message) => {
  expect(() => openTelemetry(options as never)).toThrow(message)
})

const TWO_HANDLERS = [
  handlerThat(async (n, { publish }) => (n === 1 ? publish(NoteTaken({ n: 2 })) : undefined)),
  handlerThat(() => undefined, { name: 'notes.copy' }),
]
const kept: unknown[] = []
const keeping = () => defineHandler('notes.keep', { on: NoteTaken, handle: ({ metadata }) => void kept.push(metadata) })

function busWith(handlers: readonly AnyHandler[], options: OpenTelemetryOptions = {}, more: BusOptions = {}): Bus {
  const { middleware } = openTelemetry({ tracerProvider, ...options })
  const { connectionString } = opened
  const bus = createBus({ connectionString, handlers, middleware: [middleware], onSignal: () => undefined, ...more })
  onTestFinished(() => bus.close())
  return bus
}

/** In the order in which they began. */
function spans(): readonly ReadableSpan[] {
  return exporter.getFinishedSpans().toSorted((one, other) => nanos(one) - nanos(other))
}

function nanos({ startTime: [seconds, rest] }: ReadableSpan): number {
  return seconds * 1e9 + rest
}

/** The names of the spans as a tree. Siblings are sorted by name. */
function tree(parent?: string, indent = ''): readonly string[] {
  const children = spans().filter(({ parentSpanContext }) => parentSpanContext?.spanId === parent)
  return children
    .toSorted((one, other) => one.name.localeCompare(other.name))
    .flatMap((span) => [`${indent}${span.name}`, ...tree(span.spanContext().spanId, `${indent}  `)])
}

/** The sum of a counter, or the count of a histogram, over all series with these attributes. */
function sum(metric: string, having: Attributes): number {
  const last = metricExporter.getMetrics().at(-1)
  const points = last?.scopeMetrics
    .flatMap(({ metrics }) => metrics)
    .find(({ descriptor }) => descriptor.name === metric)?.dataPoints
  const matching = (points ?? []).filter(({ attributes }) =>
    Object.entries(having).every(([name, value]) => attributes[name] === value),
  )
  return matching.reduce((total, { value }) => total + (typeof value === 'number' ? value : value.count), 0)
}
