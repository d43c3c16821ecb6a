/** The parts of docs/reference that are printed from the sources: what each command of `postbus` takes, and every metric. */
import { COMMANDS } from '../../src/cli/run.ts'
import type { Command } from '../../src/cli/command.ts'
import { STANDING, WORK, type Metric } from '../../src/metrics/metrics.ts'
import { prometheusName } from '../../src/metrics/prometheus.ts'

const PARTS: Readonly<Record<string, () => string>> = {
  commands: () => Object.entries(COMMANDS).map(commandSection).join('\n\n'),
  work: () => metricsTable(Object.values(WORK)),
  standing: () => metricsTable(Object.values(STANDING)),
}

/** The page with every part between `<!-- printed: NAME -->` and `<!-- /printed -->` printed from the sources. */
export function withPrintedParts(page: string): string {
  return page.replace(/<!-- printed: (\w+) -->\n[\s\S]*?<!-- \/printed -->/g, (_, name: string) => {
    const part = PARTS[name]
    if (!part) throw new Error(`The page asks for "${name}"; known: ${Object.keys(PARTS).join(', ')}`)
    return `<!-- printed: ${name} -->\n\n${part()}\n\n<!-- /printed -->`
  })
}

function commandSection([name, { summary, examples, options, describe }]: [string, Command]): string {
  const lines = examples.map(([line, does]) => `# ${does}\n${line}`)
  const rows = Object.entries(options).map(([option, { type, short }]) => {
    const spelled = `--${option}${type === 'string' ? ` ${option.toUpperCase()}` : ''}`
    return [`\`${spelled}\`${short === undefined ? '' : `, \`-${short}\``}`, cell(describe[option] ?? '')]
  })
  return [
    `## postbus ${name}`,
    summary,
    `\`\`\`sh\n${lines.join('\n')}\n\`\`\``,
    table([['Option', 'What it does'], ...rows]),
  ].join('\n\n')
}

function metricsTable(metrics: readonly Metric[]): string {
  const rows = metrics.map((metric) => [
    `\`${metric.name}\``,
    `\`${prometheusName(metric)}\``,
    metric.kind,
    `\`${metric.unit}\``,
    cell(metric.description),
  ])
  return table([['OpenTelemetry', 'Prometheus', 'Kind', 'Unit', 'What it says'], ...rows])
}

function table([heads = [], ...rows]: readonly (readonly string[])[]): string {
  return [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '\\<')
}
