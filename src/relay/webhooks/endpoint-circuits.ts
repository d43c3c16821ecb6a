/**
 * Circuits of endpoints: an endpoint that has failed several times in a row gets no messages for a while, and then one message as a probe.
 * Meanwhile its other messages are postponed, which uses up no attempt. Messages to other endpoints go on.
 *
 *   closed ──(enough failures in a row)───► open ──(its pause is over)──► one message probes ──► it succeeds: closed
 *                                            ▲                                        └────────► it fails: open, for twice as long
 *                                            └──────────────────────────────────────────────────────┘
 *
 * Each process counts for itself. When it ends, its counts are lost.
 */
import { performance } from '../../clock.ts'

export interface CircuitOptions {
  /** The number of failures in a row that opens the circuit. */
  readonly failures: number
  /** How long the first pause lasts, in which the endpoint gets no messages. */
  readonly pauseMs: number
  /** The pause doubles after each probe that fails, up to this. */
  readonly maxPauseMs: number
}

interface Circuit {
  failures: number
  pauseMs: number
  /** `null` while the circuit is closed. */
  openUntil: number | null
}

export interface Entry {
  readonly is: 'free' | 'probe' | 'wait'
  readonly waitMs: number
}

/** `counted`: a failed attempt. `opened`: the same, and it opened the circuit. `put-off`: the circuit was open already, so it does not count. */
export interface Failure {
  readonly is: 'counted' | 'opened' | 'put-off'
  readonly waitMs: number
}

/** The number of failing endpoints that are remembered. Beyond it, the one that failed first is forgotten, and gets messages too early. */
const MAX_REMEMBERED = 10_000

export class EndpointCircuits {
  readonly #options: CircuitOptions
  readonly #nowMs: () => number
  readonly #circuits = new Map<string, Circuit>()

  constructor(options: CircuitOptions, nowMs: () => number = performance.now) {
    this.#options = options
    this.#nowMs = nowMs
  }

  /** Called before a message is sent. The first message after a pause is the probe; the others wait for its result. */
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

  /** Says what a failure means for a message, given what `enter` returned for that message. */
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
