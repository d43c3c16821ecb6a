/** Every metric, declared once: OpenTelemetry gets them by these names, and Prometheus by the same in its own spelling. */

export interface Metric {
  readonly name: string
  readonly kind: 'counter' | 'histogram' | 'gauge'
  /** In UCUM's notation: `s`, or the thing that is counted, in braces. */
  readonly unit: string
  readonly description: string
  /** The upper bounds of a histogram's buckets, in its unit. */
  readonly buckets?: readonly number[]
}

/** The labels of a measurement. Each label must have few different values. */
export type Labels = Readonly<Record<string, string>>

export interface Measurement {
  readonly metric: Metric
  readonly labels: Labels
  readonly value: number
}

/** The buckets that the conventions for messaging advise. */
const SHORT = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
/** A delivery may wait for an hour. */
const LONG = [...SHORT, 30, 60, 300, 900, 3_600]

/** Counted and measured where events are published and handled. */
export const WORK = {
  sent: counter('messaging.client.sent.messages', '{message}', 'Events published.'),
  consumed: counter('messaging.client.consumed.messages', '{message}', 'Attempts of handlers.'),
  publishDuration: seconds('messaging.client.operation.duration', 'How long publishing took.', SHORT),
  processDuration: seconds('messaging.process.duration', 'How long attempts ran.', SHORT),
  latency: seconds(
    'postbus.delivery.latency',
    'From when an event happened, by the clock of its publisher, until its first attempt began.',
    LONG,
  ),
  deadLetters: counter('postbus.dead_letters', '{delivery}', 'Deliveries that have become dead letters.'),
  claimsLost: counter(
    'postbus.claims.lost',
    '{delivery}',
    'Deliveries that another worker has taken over while they ran.',
  ),
} as const satisfies Readonly<Record<string, Metric>>

/** Read from the database: see `bus.backlog`. */
export const STANDING = {
  backlog: gauge('postbus.backlog', '{delivery}', 'Deliveries that are not done and do not run, by where they stand.'),
  running: gauge('postbus.running', '{delivery}', 'Deliveries that run now.'),
  oldestWaiting: gauge('postbus.oldest_waiting.age', 's', 'How long the oldest delivery has waited that is due.'),
  blockedKeys: gauge('postbus.blocked_keys', '{key}', 'Partition keys that a dead delivery holds.'),
  deadOpen: gauge('postbus.dead_letters.open', '{delivery}', 'Dead letters that wait for an operator.'),
  logLag: gauge('postbus.log.lag', '{event}', 'Events of the log behind the slowest shard of a handler that reads it.'),
  logAge: gauge('postbus.log.age', 's', 'How long ago the oldest of these was published.'),
} as const satisfies Readonly<Record<string, Metric>>

function counter(name: string, unit: string, description: string): Metric {
  return { name, kind: 'counter', unit, description }
}

function gauge(name: string, unit: string, description: string): Metric {
  return { name, kind: 'gauge', unit, description }
}

function seconds(name: string, description: string, buckets: readonly number[]): Metric {
  return { name, kind: 'histogram', unit: 's', description, buckets }
}
