/** Metrics as Prometheus reads them: its text format, version 0.0.4. */
import type { Labels, Measurement, Metric } from './metrics.ts'
import type { Distribution, Series } from './series.ts'

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Spells a name for Prometheus as the OpenTelemetry specification says: with `_total` for a counter, or `_seconds` for a time. */
export function prometheusName({ name, kind, unit }: Metric): string {
  const spelled = name.replaceAll('.', '_')
  if (kind === 'counter') return `${spelled}_total`
  return unit === 's' ? `${spelled}_seconds` : spelled
}

/** `metrics` are declared in any case, so that a scraper knows them before anything has happened. */
export function prometheusText(metrics: readonly Metric[], series: Series, gauges: readonly Measurement[]): string {
  const values = Map.groupBy([...series.counters(), ...gauges], ({ metric }) => metric)
  const histograms = Map.groupBy(series.histograms(), ({ metric }) => metric)
  return metrics
    .flatMap((metric) => {
      const name = prometheusName(metric)
      return [
        `# HELP ${name} ${metric.description}`,
        `# TYPE ${name} ${metric.kind}`,
        ...(values.get(metric) ?? []).map(({ labels, value }) => line(name, labels, value)),
        ...(histograms.get(metric) ?? []).flatMap((one) => histogramLines(name, one)),
      ]
    })
    .map((text) => `${text}\n`)
    .join('')
}

function histogramLines(name: string, { metric, labels, counts, sum }: Distribution): readonly string[] {
  const ends = [...(metric.buckets ?? []), Infinity]
  let total = 0
  const buckets = ends.map((end, place) => {
    total += counts[place] ?? 0
    return line(`${name}_bucket`, { ...labels, le: end === Infinity ? '+Inf' : String(end) }, total)
  })
  return [...buckets, line(`${name}_sum`, labels, sum), line(`${name}_count`, labels, total)]
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label.replaceAll('.', '_')}="${escaped(text)}"`)
  return `${name}{${pairs.join(',')}} ${value}`
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
