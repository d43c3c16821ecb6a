/** The files of docs/deploy and docs/grafana parse, every command line in them exists, and their ports, paths and periods fit the worker. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { parse, parseAllDocuments } from 'yaml'
import { expect, test } from 'vitest'
import { prometheusName } from '../src/metrics/prometheus.ts'
import { STANDING, WORK } from '../src/metrics/metrics.ts'

type Tree = { readonly [field: string]: Tree & string & number & readonly (Tree & string)[] }

const dockerfile = readFileSync('docs/deploy/Dockerfile', 'utf8')
const compose = parse(readFileSync('docs/deploy/compose.yaml', 'utf8'), { merge: true }) as Tree
const checkout = parse(readFileSync('docker-compose.yml', 'utf8')) as Tree
const kubernetes = parseAllDocuments(readFileSync('docs/deploy/kubernetes.yaml', 'utf8')).map(
  (one) => one.toJS() as Tree,
)
const alerts = parse(readFileSync('docs/grafana/alerts.yml', 'utf8')) as Tree

/** The watchdog of a worker ends the process this long after the grace period. */
const WATCHDOG_MS = 5_000

test('every command line exists, and so does every option in it', async () => {
  const lines = [
    inDockerfile('CMD \\["worker"'),
    inDockerfile('CMD \\["node_modules').slice(1),
    ...['migrate', 'worker', 'page'].map(
      (service) => compose['services']?.[service]?.['command'] as unknown as readonly string[],
    ),
    ...containers().map(({ args }) => args as readonly string[]),
    ...Array.from(readFileSync('docs/deploy.md', 'utf8').matchAll(/^npx postbus ([^#\n]+)/gm), ([, words = '']) =>
      words.trim().split(' '),
    ),
  ]
  const helpOf = new Map(
    await Promise.all(
      [...new Set(lines.map(([command = '']) => command))].map(
        async (command) => [command, await help(command)] as const,
      ),
    ),
  )

  expect([...helpOf.keys()].toSorted()).toEqual(['doctor', 'health', 'migrate', 'ui', 'worker'])
  for (const [command = '', ...words] of lines)
    for (const option of words.filter((word) => word.startsWith('--'))) expect(helpOf.get(command)).toContain(option)
})

test('a platform waits longer than a worker needs to stop', () => {
  const worker = containers().find(({ name }) => name === 'worker')
  const pod = kubernetes.find(({ kind }) => kind === 'Deployment')?.['spec']?.['template']?.['spec']

  for (const [words, seconds] of [
    [worker?.args, pod?.['terminationGracePeriodSeconds']],
    [
      compose['services']?.['worker']?.['command'],
      Number.parseInt(String(compose['services']?.['worker']?.['stop_grace_period']), 10),
    ],
    [[], Number.parseInt(String(checkout['services']?.['worker']?.['stop_grace_period']), 10)],
  ] as const) {
    const given = [...(words ?? [])]
    const graceMs = given.includes('--grace-ms') ? Number(given[given.indexOf('--grace-ms') + 1]) : 30_000
    expect(Number(seconds) * 1_000).toBeGreaterThan(graceMs + WATCHDOG_MS)
  }
})

test('probes ask the port and the pages that the worker serves, and wait longer than an answer takes', () => {
  const { args = [], ports, livenessProbe, readinessProbe } = containers().find(({ name }) => name === 'worker') ?? {}
  const served = args[args.indexOf('--http') + 1]

  expect(ports).toEqual([{ name: 'health', containerPort: Number(served) }])
  expect([livenessProbe?.httpGet, readinessProbe?.httpGet]).toEqual([
    { path: '/livez', port: 'health' },
    { path: '/readyz', port: 'health' },
  ])
  expect(Number(readinessProbe?.timeoutSeconds)).toBeGreaterThan(2)
  expect(dockerfile).toContain(`EXPOSE ${served}`)
  expect(inDockerfile('CMD \\["worker"')).toContain(served)
  const [, timeout] = /HEALTHCHECK .*--timeout=(\d+)s/.exec(dockerfile) ?? []
  expect(Number(timeout)).toBeGreaterThan(5)
})

test('every metric that the dashboard and the alerts name is a metric of Postbus', () => {
  const names = Object.values({ ...WORK, ...STANDING }).flatMap((metric) => {
    const name = prometheusName(metric)
    return metric.kind === 'histogram' ? ['bucket', 'sum', 'count'].map((what) => `${name}_${what}`) : [name]
  })

  for (const file of ['docs/grafana/dashboard.json', 'docs/grafana/alerts.yml']) {
    const used = readFileSync(file, 'utf8').match(/\b(?:postbus|messaging)_[a-z_]+(?=\{|\[|\)| )/g) ?? []
    expect(new Set(used).size).toBeGreaterThan(3)
    expect([...new Set(used)].filter((name) => !names.includes(name) && !isLabel(name))).toEqual([])
  }
})

test('each alert has an expression, a severity and an action to take', () => {
  const rules = alerts['groups']?.[0]?.['rules'] ?? []

  expect(rules.length).toBeGreaterThan(3)
  for (const rule of rules) {
    expect(rule).toMatchObject({
      alert: expect.stringMatching(/^Postbus/) as string,
      expr: expect.any(String) as string,
      labels: { severity: expect.stringMatching(/^(warning|critical)$/) as string },
      annotations: { summary: expect.any(String) as string, action: expect.any(String) as string },
    })
  }
})

function isLabel(name: string): boolean {
  return ['messaging_consumer_group_name', 'messaging_destination_name', 'postbus_state'].includes(name)
}

interface Container {
  readonly name: string
  readonly args?: readonly string[]
  readonly ports?: unknown
  readonly livenessProbe?: { readonly httpGet: unknown }
  readonly readinessProbe?: { readonly httpGet: unknown; readonly timeoutSeconds: number }
}

function containers(): readonly Container[] {
  return kubernetes.flatMap((one) => {
    const pod = one['spec']?.['template']?.['spec']
    return [
      ...((pod?.['initContainers'] ?? []) as unknown as Container[]),
      ...((pod?.['containers'] ?? []) as unknown as Container[]),
    ]
  })
}

/** The words of the first `CMD` whose line begins with `begin`. */
function inDockerfile(begin: string): readonly string[] {
  const [line = ''] = new RegExp(`${begin}.*$`, 'm').exec(dockerfile) ?? []
  return JSON.parse(line.replace(/^CMD /, '')) as string[]
}

async function help(command: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['src/cli/main.ts', command, '--help'])
  return stdout
}
