/**
 * A span as the headers of W3C Trace Context. These headers travel in the metadata of events, which is stored and given to every handler.
 * Postbus also copies both headers to the events that a handler publishes, with telemetry or without.
 */
import { createTraceState, isSpanContextValid, type Link, type SpanContext } from '@opentelemetry/api'
import type { EventMetadata } from '../events/envelope.ts'

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/

/** Null for a span that no SDK has made. */
export function headersOf(span: SpanContext): EventMetadata | null {
  if (!isSpanContextValid(span)) return null
  const { traceId, spanId, traceFlags, traceState } = span
  const tracestate = traceState?.serialize()
  return {
    traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
    ...(tracestate && { tracestate }),
  }
}

/** The span that published an event, if one did. */
export function spanIn({ traceparent, tracestate }: EventMetadata): SpanContext | null {
  const [, traceId, spanId, flags] = (typeof traceparent === 'string' && TRACEPARENT.exec(traceparent)) || []
  if (traceId === undefined || spanId === undefined || flags === undefined) return null
  const span: SpanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(typeof tracestate === 'string' && { traceState: createTraceState(tracestate) }),
  }
  return isSpanContextValid(span) ? span : null
}

/** One link for each span that published some of these events. */
export function publishersOf(events: readonly { readonly metadata: EventMetadata }[]): Link[] {
  const spans = events.flatMap(({ metadata }) => spanIn(metadata) ?? [])
  return [...new Map(spans.map((span) => [`${span.traceId} ${span.spanId}`, { context: span }])).values()]
}
