/** Telemetry seen from outside: gauges of the backlog, the trace of an HTTP request, and channels for monitoring outside the application. */
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { context, trace, type Attributes } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { createBus, defineBatchHandler, failed, type AnyHandler, type Bus, type BusOptions } from '../../src/index.ts'
import type { HandleMessage, PublishMessage } from '../../src/middleware/channels.ts'
import type { SignalMessage } from '../../src/signals.ts'
import { openTelemetry } from '../../src/otel/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'

let opened: TestBus

beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  opened = await openTestBus()
  return async () => {
    context.disable()
    await opened.close()
  }
})

beforeEach(() => emptyTables(opened.database))

test('gauges report the backlog, and the database is queried when a reader collects, but not again for the next one', async () => {
  const dead = handlerThat(() => failed('no'), { name: 'notes.die', maxAttempts: 1, onDead: 'block' })
  const bus = busWith([dead, handlerThat(() => undefined)])
  const backlog = vi.spyOn(bus, 'backlog')
  const { meterProvider, collected } = collecting()
  const stop = openTelemetry({ meterProvider }).observe(bus)
  await bus.publish([1, 2].map((n) => NoteTaken({ n, key: 'red' })))
  await drained(bus)
  await bus.publish(NoteTaken({ n: 3, key: 'red' }))
  expect(backlog).not.toHaveBeenCalled()

  await collected()
  const value = await collected()

  const of = (handler: string, more: Attributes = {}) => ({ 'messaging.consumer.group.name': handler, ...more })
  expect(value('postbus.backlog', of('notes.take', { 'postbus.state': 'waiting' }))).toBe(1)
  expect(value('postbus.backlog', of('notes.die', { 'postbus.state': 'parked' }))).toBe(1)
  expect(value('postbus.oldest_waiting.age', of('notes.take'))).toBeGreaterThan(0)
  expect(value('postbus.blocked_keys', of('notes.die'))).toBe(1)
  expect(value('postbus.dead_letters.open', of('notes.die'))).toBe(1)
  expect(value('postbus.running', of('notes.die'))).toBe(0)
  expect(backlog).toHaveBeenCalledTimes(1)
  stop()
})

test('without a database there are no gauges, and collecting goes on; after stop() the database is not queried', async () => {
  const bus = busWith([])
  const { meterProvider, collected } = collecting()
  const stop = openTelemetry({ meterProvider }).observe(bus, { everyMs: 1_000 })
  const backlog = vi.spyOn(bus, 'backlog').mockRejectedValue(new Error('no route to host'))

  const value = await collected()
  stop()
  await collected()

  expect(value('postbus.running', {})).toBeUndefined()
  expect(backlog).toHaveBeenCalledTimes(1)
})

test.for([
  [{ every: 1 }, '"every" is none of everyMs'],
  [{ everyMs: 10 }, 'from 1,000 to 3,600,000'],
] as const)('observe refuses %o', ([options, says]) => {
  expect(() => openTelemetry().observe(opened.bus, options as object)).toThrow(says)
})

test('observe refuses a bus without a database, and values that are not a bus', () => {
  const inline = createBus({ backend: 'inline' })

  expect(() => openTelemetry().observe(inline)).toThrow(expect.objectContaining({ code: 'POSTBUS_NO_DATABASE' }))
  expect(() => openTelemetry().observe({} as Bus)).toThrow(expect.objectContaining({ code: 'POSTBUS_INVALID_OPTIONS' }))
})

test('an HTTP request, two handlers and the event that one of them publishes are one trace, which the caller began', async () => {
  const exporter = new InMemorySpanExporter()
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const { middleware } = openTelemetry({ tracerProvider, attempts: 'child' })
  const copy = handlerThat(() => undefined, { name: 'notes.copy' })
  const follow = handlerThat(async (n, { publish }) => n === 1 && void (await publish(NoteTaken({ n: 2 }))))
  const bus = busWith([follow, copy], { middleware: [middleware] })
  const url = await serving(async (traceparent) => {
    const [, traceId = '', spanId = ''] = traceparent.split('-')
    const caller = trace.setSpanContext(context.active(), { traceId, spanId, traceFlags: 1, isRemote: true })
    const request = tracerProvider.getTracer('the application').startSpan('POST /notes', {}, caller)
    await context.with(trace.setSpan(caller, request), () => bus.publish(NoteTaken({ n: 1 })))
    request.end()
  })
  const traceId = '0af7651916cd43dd8448eb211c80319c'

  await fetch(url, { method: 'POST', headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` } })
  await drained(bus)

  const spans = exporter.getFinishedSpans()
  expect(new Set(spans.map((span) => span.spanContext().traceId))).toEqual(new Set([traceId]))
  const name = (id: string | undefined) => spans.find((span) => span.spanContext().spanId === id)?.name ?? 'the caller'
  expect(spans.map((span) => `${span.name} in ${name(span.parentSpanContext?.spanId)}`).toSorted()).toEqual([
    'POST /notes in the caller',
    'process notes.copy in publish notes.note-taken',
    'process notes.copy in publish notes.note-taken',
    'process notes.take in publish notes.note-taken',
    'process notes.take in publish notes.note-taken',
    'publish notes.note-taken in POST /notes',
    'publish notes.note-taken in process notes.take',
  ])
})

test('channels report each publish, each attempt and each signal, with its bus, and batches too', async () => {
  const told: string[] = []
  const publishes = tracingChannel<unknown, PublishMessage>('postbus:publish')
  const attempts = tracingChannel<unknown, HandleMessage>('postbus:handle')
  const publishing = {
    start: ({ bus, events }: PublishMessage) => told.push(`${bus.source} publishes ${events.length}`),
    asyncEnd: ({ error }: PublishMessage & { error?: unknown }) => told.push(error ? 'refused' : 'published'),
  }
  const handling = {
    asyncEnd: ({ handler, events, result }: HandleMessage & { result?: unknown }) =>
      told.push(`${handler} of ${events.length}: ${JSON.stringify(result)}`),
  }
  const signalled = (message: unknown) => {
    const { bus, signal } = message as SignalMessage
    if (signal.name === 'attempt.failed') told.push(`${bus.source} says ${signal.name}`)
  }
  publishes.subscribe(publishing as never)
  attempts.subscribe(handling as never)
  subscribe('postbus:signal', signalled)
  const batch = defineBatchHandler('notes.batch', { on: NoteTaken, batchSize: 10, handle: () => 'both' })
  const fails = handlerThat((_, { attempt }) => (attempt === 1 ? failed('no') : 'done'), { backoff: () => 0 })
  const bus = busWith([fails, batch], { source: 'shop', maxPayloadBytes: 1_024 })

  await bus.publish([NoteTaken({ n: 1 }), NoteTaken({ n: 2 })])
  await bus.publish(NoteTaken({ n: 1, text: 'x'.repeat(2_000) })).catch(() => undefined)
  await drained(bus)
  publishes.unsubscribe(publishing as never)
  attempts.unsubscribe(handling as never)
  unsubscribe('postbus:signal', signalled)
  await bus.publish(NoteTaken({ n: 3 }))

  expect(told.slice(0, 4)).toEqual(['shop publishes 2', 'published', 'shop publishes 1', 'refused'])
  const counts = Map.groupBy(told.slice(4), (one) => one)
  expect(Object.fromEntries(Array.from(counts, ([one, all]) => [one, all.length]))).toEqual({
    'notes.batch of 2: "both"': 1,
    'notes.take of 1: {"is":"failed","reason":"no"}': 2,
    'notes.take of 1: "done"': 2,
    'shop says attempt.failed': 2,
  })
})

function busWith(handlers: readonly AnyHandler[], options: BusOptions = {}): Bus {
  const { connectionString } = opened
  const bus = createBus({ connectionString, handlers, onSignal: () => undefined, ...options })
  onTestFinished(() => bus.close())
  return bus
}

function collecting() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  onTestFinished(() => meterProvider.shutdown())
  return {
    meterProvider,
    /** Resolves with a function that looks up a collected value. */
    async collected() {
      exporter.reset()
      await reader.forceFlush()
      const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((one) => one.metrics))
      return (name: string, having: Attributes) =>
        metrics
          .find(({ descriptor }) => descriptor.name === name)
          ?.dataPoints.find(({ attributes }) => Object.entries(having).every(([key, is]) => attributes[key] === is))
          ?.value
    },
  }
}

/** Starts a server, and returns its URL. */
async function serving(take: (traceparent: string) => Promise<void>): Promise<string> {
  const server = createServer((request, response) => {
    void take(String(request.headers['traceparent'])).finally(() => response.end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/notes`
}
