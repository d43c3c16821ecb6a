/** A worker in a process of its own, which prints something once it works, and can be killed. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

export async function startWorkerProcess(words: readonly string[]): Promise<ChildProcess> {
  const worker = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] })
  await Promise.race([once(worker.stdout, 'data'), once(worker, 'exit')])
  if (worker.exitCode !== null) throw new Error('The worker has ended by itself.')
  return worker
}

export async function killed(worker: ChildProcess): Promise<void> {
  worker.kill('SIGKILL')
  if (worker.exitCode === null && worker.signalCode === null) await once(worker, 'exit')
}
