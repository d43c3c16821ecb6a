/** Telemetry leaves the process as OTLP, and a collector understands it: here a receiver of the test plays the collector. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { expect, onTestFinished, test } from 'vitest'
import { openTelemetry } from '../../src/otel/index.ts'
import { openTestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'

/** The parts that the test reads of OTLP's JSON over HTTP. */
interface OtlpSpan {
  readonly name: string
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[]
}

test('a publish and its attempt reach a collector by OTLP, as one trace', async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  onTestFinished(() => context.disable())
  const { url, received } = await collector()
  const exporter = new OTLPTraceExporter({ url })
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] })
  const { middleware } = openTelemetry({ tracerProvider, attempts: 'child' })
  const opened = await openTestBus({ handlers: [handlerThat(() => undefined)], middleware: [middleware] })
  onTestFinished(() => opened.close())

  await opened.bus.publish(NoteTaken({ n: 1, key: 'red' }))
  await drained(opened.bus)
  await tracerProvider.shutdown() // sends the remaining spans

  const spans = received.toSorted((one, other) => one.kind - other.kind)
  const [published, processed] = spans
  expect(spans.map(({ name, kind }) => [name, kind])).toEqual([
    ['publish notes.note-taken', 4], // a producer
    ['process notes.take', 5], // a consumer
  ])
  expect(processed).toMatchObject({ traceId: published?.traceId, parentSpanId: published?.spanId })
  expect(processed?.attributes).toContainEqual({ key: 'postbus.partition_key', value: { stringValue: 'red' } })
})

async function collector() {
  const received: OtlpSpan[] = []
  const server = createServer((request, response) => {
    void receive(request).finally(() => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
  }).listen(0, '127.0.0.1')
  async function receive(request: IncomingMessage): Promise<void> {
    const { resourceSpans } = (await json(request)) as { resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[] }
    received.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)))
  }
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`, received }
}
