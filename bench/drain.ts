/** Measures a drain from outside: starts worker processes, lets them begin together, and watches their progress. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Contestant, NotHere, OwnStore } from './contestants/contestant.ts'
import type { Load } from './load.ts'
import type { Entry, Figures } from './question.ts'
import { serverCpuMs } from './server-cpu.ts'
import { withWorkers, type Workers } from './workers.ts'

const LOOK_EVERY_MS = 5

export const RATE = 'deliveries/s'

/** The time limit for peers. A peer that needs longer is measured by what it has done until then, while most of the backlog waits. */
export const PEER_LIMIT_MS = 5_000

export interface Drain {
  readonly contestant: Contestant
  /** Tells this entry apart from others of the same contestant. */
  readonly variant?: string
  readonly load: Load
  readonly processes?: number
  /** A contestant that has not finished by then is measured by what it has done until then, while most of the backlog still waits. */
  readonly limitMs: number
  readonly until?: (progress: Progress) => boolean
  readonly figures: (progress: Progress) => Figures
}

export interface Progress {
  readonly done: number
  readonly ofHot: number
  readonly ofOthers: number
  readonly elapsedMs: number
  readonly waiting: number
  /** The CPU time so far, in milliseconds. */
  readonly cpu: Cpu
  /** The progress when it was first seen to be more than nothing. */
  readonly first: {
    readonly done: number
    readonly ofHot: number
    readonly elapsedMs: number
    readonly cpu: Cpu
  } | null
}

interface Cpu {
  readonly workers: number
  /** NaN if it is not known. */
  readonly server: number
}

/** Deliveries a second, counted from the first progress: work that a contestant does only once, at its start, does not count. */
export function rateOf({ done, first, elapsedMs }: Progress): Figures {
  return { [RATE]: (1_000 * (done - (first?.done ?? 0))) / (elapsedMs - (first?.elapsedMs ?? 0)) }
}

/** The rate, and the CPU time of each delivery. */
export function rateAndCostOf(progress: Progress): Figures {
  const { done, first, cpu } = progress
  const costOf = (whose: keyof Cpu) => (1_000 * (cpu[whose] - (first?.cpu[whose] ?? 0))) / (done - (first?.done ?? 0))
  const server = costOf('server')
  return {
    ...rateOf(progress),
    'µs of CPU, workers': costOf('workers'),
    ...(Number.isFinite(server) && { 'µs of CPU, server': server }),
  }
}

export function drainEntry(drain: Drain): Entry {
  const { contestant, variant = '', load, processes = 1 } = drain
  const { bring } = contestant
  return {
    contestant: contestant.name + variant,
    configuration: `${contestant.configuration}; ${processes} worker process${processes === 1 ? '' : 'es'}`,
    state: `${contestant.product}, ${load.keys.length} waiting`,
    prepare: async ({ connectionString }) => (bring ? undefined : contestant.fill(connectionString, load)),
    measure: async ({ connectionString }) =>
      bring ? drainElsewhere(drain, bring) : drain.figures(await watchDrain(drain, connectionString)),
  }
}

async function drainElsewhere(drain: Drain, bring: () => Promise<OwnStore | NotHere>): Promise<Figures> {
  const store = await bring()
  if ('because' in store) return { [RATE]: `not measured: ${store.because}` }
  try {
    await drain.contestant.fill(store.connectionString, drain.load)
    return drain.figures(await watchDrain(drain, store.connectionString))
  } finally {
    await store.stop()
  }
}

export async function watchDrain(drain: Drain, connectionString: string): Promise<Progress> {
  const { contestant, processes = 1, load } = drain
  return withWorkers(contestant, connectionString, processes, async (workers) => {
    const startedAt = performance.now()
    workers.start()
    const progress = await reached(drain, workers, startedAt)
    if (progress.done < load.keys.length || !contestant.isSettled) return progress
    while (!(await contestant.isSettled(connectionString))) await delay(LOOK_EVERY_MS)
    return { ...progress, elapsedMs: performance.now() - startedAt, cpu: await cpuSoFar(workers) }
  })
}

async function reached(drain: Drain, workers: Workers, startedAt: number): Promise<Progress> {
  const { load, limitMs, until = ({ waiting }) => waiting <= 0 } = drain
  let first: Progress['first'] = null
  for (;;) {
    await Promise.race([delay(LOOK_EVERY_MS), workers.death])
    const { done, ofHot, ofOthers } = workers.progress()
    const elapsedMs = performance.now() - startedAt
    if (done > 0 && done < load.keys.length) first ??= { done, ofHot, elapsedMs, cpu: await cpuSoFar(workers) }
    const progress = { done, ofHot, ofOthers, elapsedMs, first, cpu: NONE, waiting: load.keys.length - done }
    if (until(progress) || elapsedMs >= limitMs) return { ...progress, cpu: await cpuSoFar(workers) }
  }
}

const NONE: Cpu = { workers: 0, server: 0 }

async function cpuSoFar(workers: Workers): Promise<Cpu> {
  const server = serverCpuMs()
  return { workers: (await workers.cost()).cpuMs, server }
}
