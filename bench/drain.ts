/** Measures a drain from outside: starts worker processes, lets them begin together, and watches how far they come. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Contestant } from './contestants/contestant.ts'
import type { Load } from './load.ts'
import type { Entry, Figures } from './question.ts'
import type { Answer, Order } from './worker-process.ts'

const LOOK_EVERY_MS = 5
const program = resolve(import.meta.dirname, 'worker-process.ts')

export interface Drain {
  readonly contestant: Contestant
  /** What sets this entry apart from others of the same contestant. */
  readonly variant?: string
  readonly load: Load
  readonly processes?: number
  /** Who does not end by then is measured by what was done until then, while most of the backlog still waits. */
  readonly limitMs: number
  readonly until?: (progress: Progress) => boolean
  readonly figures: (progress: Progress) => Figures
}

export interface Progress {
  readonly done: number
  readonly ofHot: number
  readonly elapsedMs: number
  readonly waiting: number
  /** When something was first seen to be done, and how much. */
  readonly first: { readonly done: number; readonly ofHot: number; readonly elapsedMs: number } | null
}

/** Deliveries a second, from the first that is done: what a contestant does only once, at its start, does not count. */
export function rateOf({ done, first, elapsedMs }: Progress): Figures {
  return { 'deliveries/s': (1_000 * (done - (first?.done ?? 0))) / (elapsedMs - (first?.elapsedMs ?? 0)) }
}

export function drainEntry(drain: Drain): Entry {
  const { contestant, variant = '', load, processes = 1 } = drain
  return {
    contestant: contestant.name + variant,
    configuration: `${contestant.configuration}; ${processes} worker process${processes === 1 ? '' : 'es'}`,
    state: `${contestant.product}, ${load.keys.length} waiting`,
    prepare: ({ connectionString }) => contestant.fill(connectionString, load),
    measure: async ({ connectionString }) => drain.figures(await watchDrain(drain, connectionString)),
  }
}

async function watchDrain(drain: Drain, connectionString: string): Promise<Progress> {
  const workers = Array.from({ length: drain.processes ?? 1 }, () => startProcess(drain.contestant, connectionString))
  try {
    await Promise.all(workers.map(({ ready, death }) => Promise.race([ready, death])))
    const startedAt = performance.now()
    for (const { child } of workers) order(child, 'start')
    return await reached(drain, workers, startedAt)
  } finally {
    await Promise.all(workers.map(({ child }) => stopProcess(child)))
  }
}

interface WorkerProcess {
  readonly child: ChildProcess
  readonly ready: Promise<void>
  /** Rejects when the process ends, which it does by itself only in trouble. */
  readonly death: Promise<never>
  /** The latest it has told. */
  progress(): { readonly done: number; readonly ofHot: number }
}

function startProcess(contestant: Contestant, connectionString: string): WorkerProcess {
  const child = fork(program, [contestant.name, connectionString])
  const isReady = Promise.withResolvers<void>()
  const died = Promise.withResolvers<never>()
  died.promise.catch(() => undefined) // it also ends when it is told to
  let latest = { done: 0, ofHot: 0 }
  child.on('message', (answer: Answer) => {
    if (answer === 'ready') isReady.resolve()
    else latest = answer
  })
  child.on('exit', (code) => died.reject(new Error(`A worker process of ${contestant.name} ended with ${code}.`)))
  return { child, ready: isReady.promise, death: died.promise, progress: () => latest }
}

async function reached(drain: Drain, workers: readonly WorkerProcess[], startedAt: number): Promise<Progress> {
  const { load, limitMs, until = ({ waiting }) => waiting <= 0 } = drain
  let first: Progress['first'] = null
  for (;;) {
    await Promise.race([delay(LOOK_EVERY_MS), ...workers.map(({ death }) => death)])
    const told = workers.map(({ progress }) => progress())
    const done = told.reduce((sum, one) => sum + one.done, 0)
    const ofHot = told.reduce((sum, one) => sum + one.ofHot, 0)
    const elapsedMs = performance.now() - startedAt
    if (done > 0 && done < load.keys.length) first ??= { done, ofHot, elapsedMs }
    const progress = { done, ofHot, elapsedMs, first, waiting: load.keys.length - done }
    if (until(progress) || elapsedMs >= limitMs) return progress
  }
}

function order(child: ChildProcess, what: Order): void {
  child.send(what)
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = once(child, 'exit')
  order(child, 'stop')
  await ended
}
