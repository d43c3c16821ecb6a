/**
 * Circuits of endpoints: one that has failed several times in a row is left alone for a while, and then probed with one message. The others of it
 * are put off meanwhile, which uses up no attempt; those of other endpoints go on.
 *
 *   closed ──(so many failures in a row)──► open ──(its pause is over)──► one message probes ──► it is taken: closed
 *                                            ▲                                        └────────► it fails: open, for twice as long
 *                                            └──────────────────────────────────────────────────────┘
 *
 * Each process counts for itself: what it knows of an endpoint is gone with it.
 */
import { performance } from '../../clock.ts'

export interface CircuitOptions {
  /** So many failures in a row open it. */
  readonly failures: number
  /** How long it is left alone at first. */
  readonly pauseMs: number
  /** The pause doubles after each probe that fails, up to this. */
  readonly maxPauseMs: number
}

interface Circuit {
  failures: number
  pauseMs: number
  /** `null` while it is closed. */
  openUntil: number | null
}

export interface Entry {
  readonly is: 'free' | 'probe' | 'wait'
  readonly waitMs: number
}

/** It is an attempt that failed; or that, and the one that opened the circuit; or the circuit was open before, and it counts for nothing. */
export interface Failure {
  readonly is: 'counted' | 'opened' | 'put-off'
  readonly waitMs: number
}

/** Endpoints that are remembered as failing. The one that failed first is forgotten: then it is probed a little early. */
const MAX_REMEMBERED = 10_000

export class EndpointCircuits {
  readonly #options: CircuitOptions
  readonly #nowMs: () => number
  readonly #circuits = new Map<string, Circuit>()

  constructor(options: CircuitOptions, nowMs: () => number = performance.now) {
    this.#options = options
    this.#nowMs = nowMs
  }

  /** Asked before a message is sent. The first that asks after a pause is the probe; the others wait for what comes of it. */
  enter(endpoint: string): Entry {
    const circuit = this.#circuits.get(endpoint)
    if (!circuit || circuit.openUntil === null) return { is: 'free', waitMs: 0 }
    const nowMs = this.#nowMs()
    if (circuit.openUntil > nowMs) return { is: 'wait', waitMs: circuit.openUntil - nowMs }
    circuit.openUntil = nowMs + circuit.pauseMs
    return { is: 'probe', waitMs: 0 }
  }

  passed(endpoint: string): void {
    this.#circuits.delete(endpoint)
  }

  /** What a failure means for its message, by how it had entered. */
  failed(endpoint: string, { is }: Entry): Failure {
    const { failures, pauseMs, maxPauseMs } = this.#options
    const circuit = this.#circuits.get(endpoint) ?? this.#remember(endpoint, { failures: 0, pauseMs, openUntil: null })
    if (circuit.openUntil !== null && is !== 'probe') return { is: 'put-off', waitMs: circuit.pauseMs }
    circuit.failures += 1
    if (circuit.failures < failures) return { is: 'counted', waitMs: 0 }
    if (is === 'probe') circuit.pauseMs = Math.min(circuit.pauseMs * 2, maxPauseMs)
    circuit.openUntil = this.#nowMs() + circuit.pauseMs
    return { is: is === 'probe' ? 'counted' : 'opened', waitMs: 0 }
  }

  #remember(endpoint: string, circuit: Circuit): Circuit {
    const [first] = this.#circuits.keys()
    if (first !== undefined && this.#circuits.size >= MAX_REMEMBERED) this.#circuits.delete(first)
    this.#circuits.set(endpoint, circuit)
    return circuit
  }
}
