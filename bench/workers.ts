/** Controls the worker processes of a contestant from the measuring process: starts them together, watches and stops them. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { Contestant, Count } from './contestants/contestant.ts'
import type { Answer, Cost, Handled, Instruction } from './worker-process.ts'

const program = resolve(import.meta.dirname, 'worker-process.ts')

/** What the workers have done so far. */
export type Reached = Readonly<Required<Count>>

export interface Workers {
  /** Rejects when a process ends, which only happens by itself after an error. */
  readonly death: Promise<never>
  start(instruction?: Instruction): void
  /** The progress that all processes have reported so far. */
  progress(): Reached
  /** The handler starts reported since the last call. */
  handled(): readonly Handled[]
  /** The cost of all processes together, since they began. */
  cost(): Promise<Cost>
}

/** Starts `processes` processes, waits until all are ready, runs `work`, and stops them, also when the work fails. */
export async function withWorkers<Result>(
  contestant: Contestant,
  connectionString: string,
  processes: number,
  work: (workers: Workers) => Promise<Result>,
): Promise<Result> {
  const started = Array.from({ length: processes }, () => startProcess(contestant, connectionString))
  try {
    await Promise.all(started.map(({ ready, death }) => Promise.race([ready, death])))
    return await work(together(started))
  } finally {
    await Promise.all(started.map(({ child }) => stopProcess(child)))
  }
}

function together(started: readonly WorkerProcess[]): Workers {
  const death = Promise.race(started.map((one) => one.death))
  death.catch(() => undefined) // the code that awaits it gets the error
  return {
    death,
    start: (instruction = 'start') => started.forEach(({ child }) => tell(child, instruction)),
    progress() {
      const told = started.map(({ progress }) => progress())
      const sum = (what: keyof Reached) => sumOf(told.map((one) => one[what]))
      return { done: sum('done'), ofHot: sum('ofHot'), ofOthers: sum('ofOthers') }
    },
    handled: () => started.flatMap(({ handled }) => handled.splice(0)),
    async cost() {
      const costs = await Promise.all(started.map((one) => one.cost()))
      return { cpuMs: sumOf(costs.map(({ cpuMs }) => cpuMs)), rssBytes: sumOf(costs.map((cost) => cost.rssBytes)) }
    },
  }
}

interface WorkerProcess {
  readonly child: ChildProcess
  readonly ready: Promise<void>
  readonly death: Promise<never>
  readonly handled: Handled[]
  progress(): Reached
  cost(): Promise<Cost>
}

function startProcess({ home, name }: Contestant, connectionString: string): WorkerProcess {
  const child = fork(program, [home, name, connectionString])
  const isReady = Promise.withResolvers<void>()
  const died = Promise.withResolvers<never>()
  died.promise.catch(() => undefined) // the process also ends normally, when it is told to stop
  let latest: Reached = { done: 0, ofHot: 0, ofOthers: 0 }
  let cost = Promise.withResolvers<Cost>()
  const handled: Handled[] = []
  child.on('message', (answer: Answer) => {
    if (answer === 'ready') isReady.resolve()
    else if ('handled' in answer) handled.push(...answer.handled)
    else if ('cpuMs' in answer) cost.resolve(answer)
    else latest = answer
  })
  child.on('exit', (code) => died.reject(new Error(`A worker process of ${name} ended with ${code}.`)))
  return {
    child,
    ready: isReady.promise,
    death: died.promise,
    handled,
    progress: () => latest,
    cost() {
      cost = Promise.withResolvers()
      tell(child, 'tell what it costs')
      return Promise.race([cost.promise, died.promise])
    },
  }
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = once(child, 'exit')
  tell(child, 'stop')
  await ended
}

function tell(child: ChildProcess, instruction: Instruction): void {
  child.send(instruction)
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}
