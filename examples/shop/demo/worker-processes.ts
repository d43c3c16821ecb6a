/** The demo's workers: processes of the real command line (`postbus worker`), which write their output to log files. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { Stopped } from './stopped.ts'

const root = resolve(import.meta.dirname, '../../..')
const logFolder = resolve(root, '.postbus')
/** The time that running handlers get after SIGTERM. The shop's handlers take only moments. */
const GRACE_MS = 5_000
const STOP_LIMIT_MS = 15_000

export interface WorkerProcesses {
  /** Sends SIGTERM. Resolves with the exit codes in the order of starting; `null` for a worker that had to be killed. */
  stop(): Promise<readonly (number | null)[]>
}

interface WorkerProcess {
  readonly name: string
  readonly child: ChildProcess
  readonly log: string
  readonly exit: Promise<number | null>
}

/** Starts `count` workers. Calls `onDeath` when one of them ends without being told to. */
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
 * Each worker has its own process group: Ctrl-C in a terminal signals the whole group of the demo, and the demo stops its workers itself.
 * The pipe stops a worker when the demo is killed: see `lifeline.ts`.
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
  child.stdin?.on('error', () => undefined) // a worker that has ended reads no more
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
