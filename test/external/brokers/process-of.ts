/** Starts a script of these tests as a process, and waits for the word that the script prints when it is ready. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

export interface ScriptProcess {
  readonly child: ChildProcess
  readonly exited: Promise<unknown>
  kill(signal: NodeJS.Signals): Promise<void>
}

export async function startScript(script: string, settings: object, word: string): Promise<ScriptProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, script), JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  child.stderr.on('data', (data) => (output += String(data)))
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (data) => String(data).includes(word) && resolve())
    void exited.then(() => reject(new Error(`${script} has ended. It said:\n${output}`)))
  })
  return {
    child,
    exited,
    async kill(signal) {
      child.kill(signal)
      await exited
    },
  }
}
