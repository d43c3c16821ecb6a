/** Gauges of waiting work: the database is asked only when a metric reader collects. */
import type { MeterProvider, Observable } from '@opentelemetry/api'
import type { Bus } from '../bus.ts'
import { PostbusError } from '../errors.ts'
import { partsOf } from '../publishing/backend-override.ts'
import { sparingly, standing } from '../metrics/standing.ts'
import { STANDING } from '../metrics/metrics.ts'
import { meterOf, optionsOf } from './instruments.ts'

export interface ObserveOptions {
  /** The database is asked at most once in this time, in milliseconds, even if readers collect more often. Default: 15,000. */
  readonly everyMs?: number
}

const USUAL_MS = 15_000
const FIELDS = ['everyMs']

export function observe(provider: MeterProvider | undefined, bus: Bus, options: ObserveOptions = {}): () => void {
  const { everyMs = USUAL_MS } = checked(bus, options)
  const meter = meterOf(provider)
  const gauges = new Map<string, Observable>(
    Object.values(STANDING).map((metric) => [metric.name, meter.createObservableGauge(metric.name, optionsOf(metric))]),
  )
  const look = sparingly(() => bus.backlog(), everyMs)
  const observed: Parameters<typeof meter.addBatchObservableCallback>[0] = async (result) => {
    const report = await look().catch(() => null) // without a database there are no numbers; workers report the problem
    if (report === null) return
    for (const { metric, labels, value } of standing(report)) {
      const gauge = gauges.get(metric.name)
      if (gauge) result.observe(gauge, value, labels)
    }
  }
  meter.addBatchObservableCallback(observed, [...gauges.values()])
  return () => meter.removeBatchObservableCallback(observed, [...gauges.values()])
}

function checked(bus: Bus, options: ObserveOptions): ObserveOptions {
  const stranger = Object.keys(options).find((field) => !FIELDS.includes(field))
  if (stranger !== undefined) throw invalid(`"${stranger}" is none of ${FIELDS.join(', ')}.`)
  const { everyMs = USUAL_MS } = options
  if (!Number.isInteger(everyMs) || everyMs < 1_000 || everyMs > 3_600_000)
    throw invalid('expected `everyMs` to be whole milliseconds, from 1,000 to 3,600,000.')
  if (typeof (bus as Partial<Bus> | null)?.backlog !== 'function')
    throw invalid('expected a bus, which is what createBus() returns.')
  const kind = partsOf(bus)?.kind ?? 'postgres' // a copy of a bus has no parts
  if (kind === 'postgres') return options
  throw new PostbusError(
    'POSTBUS_NO_DATABASE',
    `telemetry.observe(): this bus keeps everything in memory (\`backend: '${kind}'\`), so nothing of it waits in a database.`,
  )
}

function invalid(problem: string): PostbusError {
  return new PostbusError('POSTBUS_INVALID_OPTIONS', `telemetry.observe(): ${problem}`)
}
