/** The metrics, made at the first measurement, so that an SDK that is registered before that gets them. */
import {
  metrics,
  type Counter,
  type Histogram,
  type Meter,
  type MeterProvider,
  type MetricOptions,
} from '@opentelemetry/api'
import { WORK, type Metric } from '../metrics/metrics.ts'

export interface Instruments {
  readonly sent: Counter
  readonly consumed: Counter
  readonly publishDuration: Histogram
  readonly processDuration: Histogram
  readonly latency: Histogram
  readonly deadLetters: Counter
  readonly claimsLost: Counter
}

export function instrumentsOf(provider: MeterProvider | undefined): () => Instruments {
  let made: Instruments | undefined
  return () => (made ??= make(meterOf(provider)))
}

export function meterOf(provider: MeterProvider | undefined): Meter {
  return (provider ?? metrics.getMeterProvider()).getMeter('postbus')
}

/** Without these buckets, an SDK uses its default ones, which are meant for milliseconds. */
export function optionsOf({ unit, description, buckets }: Metric): MetricOptions {
  return { unit, description, ...(buckets && { advice: { explicitBucketBoundaries: [...buckets] } }) }
}

function make(meter: Meter): Instruments {
  const counter = (metric: Metric) => meter.createCounter(metric.name, optionsOf(metric))
  const histogram = (metric: Metric) => meter.createHistogram(metric.name, optionsOf(metric))
  return {
    sent: counter(WORK.sent),
    consumed: counter(WORK.consumed),
    publishDuration: histogram(WORK.publishDuration),
    processDuration: histogram(WORK.processDuration),
    latency: histogram(WORK.latency),
    deadLetters: counter(WORK.deadLetters),
    claimsLost: counter(WORK.claimsLost),
  }
}
