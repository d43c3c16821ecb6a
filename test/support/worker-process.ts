/** A real worker: `postbus worker` in a process of its own, which a test can signal, freeze and kill. */
import { spawn, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import type { BusSignal, BusSignalName } from '../../src/index.ts'
import { until } from './until.ts'

const CHECKOUT = resolve(import.meta.dirname, '../..')
const MAIN = 'src/cli/main.ts'
const FIXTURE = 'test/faults/traced-bus.ts'

export interface WorkerExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** `performance.now()` of this process. */
  readonly at: number
}

export interface WorkerProcess {
  readonly pid: number
  /** The signals of its bus so far. */
  readonly signals: readonly BusSignal[]
  readonly exited: Promise<WorkerExit>
  /** Everything else that it printed. */
  output(): string
  signalsNamed(name: BusSignalName): readonly BusSignal[]
  /** Resolves when it has signalled `name`, for the `times`-th time. */
  signalled(name: BusSignalName, times?: number): Promise<void>
  kill(signal: NodeJS.Signals): void
  /** Signals the launcher and all that it has started, as a terminal does. */
  killGroup(signal: NodeJS.Signals): void
}

export interface WorkerProcessOptions {
  /** The settings for `tracedBus` in `test/faults/traced-bus.ts`. */
  readonly settings: object
  /** Options of `postbus worker`. */
  readonly words?: readonly string[]
  /** Options of Node. */
  readonly node?: readonly string[]
  /** The checkout, or a similar folder, whose code it runs. Default: this checkout. */
  readonly code?: string
  /** The launcher that starts it, in a process group of its own. Default: the test starts the worker itself. */
  readonly through?: Launcher
}

/** The ways in which people start a worker. `pid` is then that of the launcher. */
export type Launcher = 'npx' | 'npm run' | 'sh' | 'bash'

/** Starts the process. It works as soon as it has signalled `worker.started`. */
export async function startWorkerProcess({
  settings,
  words = [],
  node = [],
  code = CHECKOUT,
  through,
}: WorkerProcessOptions): Promise<WorkerProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'postbus-worker-'))
  const config = join(folder, 'postbus.config.mjs')
  await writeFile(config, configFile(code, settings))

  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe']
  const command = ['worker', '--config', config, ...words]
  const child = through
    ? spawn(...(await launched(through, folder, command)), { stdio, cwd: folder, env: environment(), detached: true })
    : spawn(process.execPath, [...node, join(code, MAIN), ...command], { stdio })
  const signals: BusSignal[] = []
  let output = ''
  const read = (line: string) => {
    const signal = signalIn(line)
    if (signal) signals.push(signal)
    else output += `${line}\n`
  }
  if (child.stdout) createInterface({ input: child.stdout }).on('line', read)
  if (child.stderr) createInterface({ input: child.stderr }).on('line', read)

  const exited = once(child, 'exit').then(async ([exitCode, signal]: (number | NodeJS.Signals | null)[]) => {
    const at = performance.now()
    await rm(folder, { recursive: true, force: true })
    return { code: exitCode, signal, at } as WorkerExit
  })
  const signalsNamed = (name: BusSignalName) => signals.filter((signal) => signal.name === name)
  return {
    pid: child.pid ?? 0,
    signals,
    exited,
    output: () => output,
    signalsNamed,
    signalled: (name, times = 1) =>
      until(
        `the worker signals ${name}; it said: ${output}${JSON.stringify(signals.slice(-3))}`,
        () => signalsNamed(name).length >= times,
        30_000,
      ),
    kill: (signal) => void child.kill(signal),
    killGroup: (signal) => void process.kill(-(child.pid ?? 0), signal),
  }
}

/** Installs the command in the folder, as npm would, and returns how it is started there. */
async function launched(
  through: Launcher,
  folder: string,
  line: readonly string[],
): Promise<[command: string, words: string[]]> {
  const bin = join(folder, 'node_modules/.bin')
  await mkdir(bin, { recursive: true })
  await writeFile(join(bin, 'postbus'), `#!/bin/sh\nexec '${process.execPath}' '${join(CHECKOUT, MAIN)}' "$@"\n`, {
    mode: 0o755,
  })
  const command = `postbus ${line.join(' ')}`
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'shop', scripts: { worker: command } }))
  if (through === 'npx') return ['npx', ['postbus', ...line]]
  if (through === 'npm run') return ['npm', ['run', 'worker']]
  return [through, ['-c', `node_modules/.bin/${command}; exit $?`]] // a shell with only one command would replace itself by that command
}

/** The environment without the variables of the test run's own npm. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm|VITEST|NODE)_/.test(name)))
}

function configFile(code: string, settings: object): string {
  return `import { tracedBus } from ${JSON.stringify(pathToFileURL(join(code, FIXTURE)).href)}
export const bus = await tracedBus(${JSON.stringify(settings)})
`
}

function signalIn(line: string): BusSignal | null {
  if (!line.startsWith('{"name":')) return null
  return JSON.parse(line) as BusSignal
}
