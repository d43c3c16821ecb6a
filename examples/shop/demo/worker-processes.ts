/** The demo's workers: processes of the real command line (`postbus worker`), with their output in log files. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { Stopped } from './stopped.ts'

const root = resolve(import.meta.dirname, '../../..')
const logFolder = resolve(root, '.postbus')
/** Running handlers get this long after SIGTERM; none of the shop's takes more than moments. */
const GRACE_MS = 5_000
const STOP_LIMIT_MS = 15_000

export interface WorkerProcesses {
  /** SIGTERM, and the exit codes in the order of starting; `null` for one that had to be killed. */
  stop(): Promise<readonly (number | null)[]>
}

interface WorkerProcess {
  readonly name: string
  readonly child: ChildProcess
  readonly log: string
  readonly exit: Promise<number | null>
}

/** Starts `count` workers. `onDeath` is called when one of them ends that was not told to. */
export async function startWorkers(count: number, onDeath: (error: Error) => void): Promise<WorkerProcesses> {
  await mkdir(logFolder, { recursive: true })
  const workers = Array.from({ length: count }, (_, index) => startWorker(`demo-worker-${index + 1}`))
  let stopping = false
  for (const worker of workers) {
    const reportDeath = async () => {
      const code = await worker.exit
      if (!stopping) onDeath(await death(worker, code))
    }
    void reportDeath()
  }
  return {
    async stop() {
      stopping = true
      return Promise.all(workers.map(stopWorker))
    },
  }
}

/**
 * In a process group of its own, since Ctrl-C in a terminal signals the whole group of the demo, and the demo wants to stop
 * its workers itself. The pipe is for the day the demo is killed: see `lifeline.ts`.
 */
function startWorker(name: string): WorkerProcess {
  const log = resolve(logFolder, `${name}.log`)
  const output = openSync(log, 'w')
  const lifeline = resolve(import.meta.dirname, 'lifeline.ts')
  const config = resolve(import.meta.dirname, '../postbus.config.ts')
  const program = [resolve(root, 'src/cli/main.ts'), 'worker', '--config', config, '--grace-ms', String(GRACE_MS)]
  const child = spawn(process.execPath, ['--import', lifeline, ...program], {
    cwd: root,
    detached: true,
    stdio: ['pipe', output, output],
  })
  closeSync(output)
  child.stdin?.on('error', () => undefined) // a worker that is gone hears no more
  const exit = once(child, 'exit').then(([code]: (number | null)[]) => code ?? null)
  return { name, child, log, exit }
}

async function stopWorker({ child, exit }: WorkerProcess): Promise<number | null> {
  child.kill('SIGTERM')
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
  try {
    return await exit
  } finally {
    clearTimeout(killer)
  }
}

async function death({ name, child, log }: WorkerProcess, code: number | null): Promise<Error> {
  const how = code === null ? `was killed by ${child.signalCode}` : `ended with exit code ${code}`
  const lastLines = (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-8).join('\n  ')
  return new Stopped(
    `${name} (process ${child.pid}) ${how} in the middle of the demo. The end of ${relative('.', log)}:\n  ${lastLines}`,
  )
}
