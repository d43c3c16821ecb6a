/** Spans around publishing and handling, and metrics of both: a middleware, and a listener for signals. */
import { context, SpanKind, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api'
import type { Bus } from '../bus.ts'
import { now } from '../clock.ts'
import { PostbusError } from '../errors.ts'
import type { Envelope } from '../events/envelope.ts'
import type { BatchDelivery } from '../handlers/batching.ts'
import type {
  BatchHandling,
  Handling,
  Middleware,
  NextHandle,
  NextPublish,
  Publishing,
} from '../middleware/middleware.ts'
import type { BusSignalListener } from '../signals.ts'
import { ofHandler, processing, publishing as publishingOf } from '../metrics/labels.ts'
import { attempted, published } from './attributes.ts'
import { instrumentsOf } from './instruments.ts'
import { measured } from './measured.ts'
import { observe, type ObserveOptions } from './observe.ts'
import { headersOf, publishersOf, spanIn } from './trace-headers.ts'

export interface OpenTelemetryOptions {
  /**
   * How an attempt's span belongs to the span that published its event. `'linked'` (the default): the attempt begins its own trace, with a link to
   * that span. `'child'`: the attempt is a child of that span, so that a request and everything that it caused are one trace.
   */
  readonly attempts?: 'linked' | 'child' | undefined
  /** Default: the provider that is registered for the process. */
  readonly tracerProvider?: TracerProvider | undefined
  /** Default: the provider that is registered for the process when the first event is published or handled. */
  readonly meterProvider?: MeterProvider | undefined
}

export interface OpenTelemetry {
  /** For `createBus({ middleware })`. Put it first, so that the spans of other hooks are inside its span. */
  readonly middleware: Middleware
  /** For `createBus({ onSignal })`: counts dead letters and lost claims by their signals, and passes all signals on to your own listener. */
  onSignal(then?: BusSignalListener): BusSignalListener
  /**
   * Adds gauges of waiting work: backlog, running deliveries, the age of the oldest, blocked keys, open dead letters, and the lag of handlers that
   * read the log. When a reader of your SDK collects, the database is asked by `bus.backlog()`, at most every `everyMs`. Call it in one process of
   * an application: the numbers cover all processes. Returns a function that ends it; call that before `bus.close()`.
   *
   * @example const stop = telemetry.observe(bus)
   * @throws {PostbusError} `POSTBUS_NO_DATABASE` for a bus that keeps everything in memory, `POSTBUS_INVALID_OPTIONS`.
   */
  observe(bus: Bus, options?: ObserveOptions): () => void
}

/**
 * Makes the telemetry of one bus. It uses `@opentelemetry/api`; without a registered SDK it does almost nothing.
 *
 * @example
 * const telemetry = openTelemetry({ attempts: 'child' })
 * const bus = createBus({
 *   connectionString,
 *   handlers,
 *   middleware: [telemetry.middleware],
 *   onSignal: telemetry.onSignal(printSignals()),
 * })
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): OpenTelemetry {
  const { attempts, tracerProvider = trace, meterProvider } = checked(options)
  const tracer = tracerProvider.getTracer('postbus')
  const instruments = instrumentsOf(meterProvider)

  async function publish(publishing: Publishing, next: NextPublish): Promise<void> {
    const { events } = publishing
    const attributes = publishingOf(events)
    const of = `publish ${String(attributes['messaging.destination.name'])}`
    const around = context.active()
    const carried = trace.getSpan(around) ? null : spanIn(events[0]?.metadata ?? {})
    const parent = carried ? trace.setSpanContext(around, carried) : around
    const kind = SpanKind.PRODUCER
    const span = tracer.startSpan(of, { kind, attributes: { ...attributes, ...published(events) } }, parent)
    const headers = headersOf(span.spanContext())

    const { seconds, error } = await measured(span, () =>
      context.with(trace.setSpan(parent, span), () => next(headers ? { metadata: headers } : {})),
    )
    if (!error) instruments().sent.add(events.length, attributes)
    instruments().publishDuration.record(seconds, { ...attributes, ...error })
  }

  async function handle(handling: Handling, next: NextHandle): Promise<void> {
    const { event, handler, context: attempt } = handling
    const attributes = processing(handler, [event])
    const publisher = spanIn(event.metadata)
    const isChild = attempts === 'child' && publisher !== null
    const parent = isChild ? trace.setSpanContext(context.active(), publisher) : context.active()
    const latency = latencyOf(event)
    const span = tracer.startSpan(
      `process ${handler}`,
      {
        kind: SpanKind.CONSUMER,
        attributes: { ...attributes, ...attempted(handling), 'postbus.latency_seconds': latency },
        ...(publisher && !isChild && { root: true, links: [{ context: publisher }] }),
      },
      parent,
    )

    const { seconds, error } = await measured(span, () => context.with(trace.setSpan(parent, span), next))
    const measuredAs = { ...attributes, ...error }
    instruments().consumed.add(1, measuredAs)
    instruments().processDuration.record(seconds, measuredAs)
    if (isFirst(attempt)) instruments().latency.record(latency, attributes)
  }

  /** A batch has its own trace, because its events come from many traces. */
  async function handleBatch({ events, handler, context: batch }: BatchHandling, next: NextHandle): Promise<void> {
    const attributes = processing(handler, events)
    const latencies = events.filter((event) => isFirst(batch.deliveryOf(event))).map(latencyOf)
    const span = tracer.startSpan(`process ${handler}`, {
      kind: SpanKind.CONSUMER,
      attributes: { ...attributes, 'messaging.batch.message_count': events.length },
      root: true,
      links: publishersOf(events),
    })

    const { seconds, error } = await measured(span, () => context.with(trace.setSpan(context.active(), span), next))
    const measuredAs = { ...attributes, ...error }
    instruments().consumed.add(events.length, measuredAs)
    instruments().processDuration.record(seconds, measuredAs)
    for (const latency of latencies) instruments().latency.record(latency, attributes)
  }

  const onSignal: OpenTelemetry['onSignal'] = (then) => (signal) => {
    const handler = ofHandler(String(signal.fields['handler']))
    if (signal.name === 'delivery.dead') instruments().deadLetters.add(1, handler)
    if (signal.name === 'claim.lost') instruments().claimsLost.add(1, handler)
    return then?.(signal)
  }

  return {
    middleware: { name: 'postbus/otel', publish, handle, handleBatch },
    onSignal,
    observe: (bus, how) => observe(meterProvider, bus, how),
  }
}

function isFirst({ attempt, isReplay }: Pick<BatchDelivery, 'attempt' | 'isReplay'>): boolean {
  return attempt === 1 && !isReplay
}

function latencyOf({ occurredAt }: Pick<Envelope, 'occurredAt'>): number {
  return Math.max(0, (now().getTime() - occurredAt.getTime()) / 1_000)
}

const FIELDS = ['attempts', 'tracerProvider', 'meterProvider']

function checked(options: OpenTelemetryOptions): OpenTelemetryOptions {
  const stranger = Object.keys(options).find((field) => !FIELDS.includes(field))
  if (stranger !== undefined) throw invalid(`"${stranger}" is none of ${FIELDS.join(', ')}.`)
  if (![undefined, 'linked', 'child'].includes(options.attempts))
    throw invalid("expected `attempts` to be 'linked' or 'child'.")
  return options
}

function invalid(problem: string): PostbusError {
  return new PostbusError('POSTBUS_INVALID_OPTIONS', `openTelemetry(): ${problem}`)
}
