/** The signals of a dispatcher about its queue: each problem is reported once, or again at intervals while it lasts. */
import { performance } from '../clock.ts'
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import { safeTextOfError } from '../error-text.ts'
import type { Emit } from '../signals.ts'
import { connectionProblem } from '../transactions/connection-error.ts'
import { stateOf } from './refusal.ts'
import type { Refused } from './refused-settlements.ts'

/** While outcomes are refused, that is reported again at this interval, or at the shorter one if their number has changed. */
const SAY_AGAIN_MS = 60_000
const SAY_CHANGE_MS = 5_000
const MOST_IDS = 20
const MOST_REASONS = 3

export class QueueSignals {
  readonly #queue: string
  readonly #emit: Emit
  #unreachable = false
  #refused = 0
  /** The last report about refused outcomes: their number, and when it was made. */
  #said: { readonly count: number; readonly at: number } | null = null

  constructor(queue: string, emit: Emit) {
    this.#queue = queue
    this.#emit = emit
  }

  databaseFailed(error: unknown): void {
    if (this.#unreachable) return
    this.#unreachable = true
    const message = `${this.#queue}: ${connectionProblem(error)}; trying again.`
    this.#emit('error', 'database.unreachable', message, { queue: this.#queue })
  }

  databaseAnswered(): void {
    if (!this.#unreachable || this.#refused > 0) return // it answers, but not as it should
    this.#unreachable = false
    const message = `${this.#queue}: the database answers again.`
    this.#emit('info', 'database.reachable', message, { queue: this.#queue })
  }

  /** All outcomes that the database refuses by now. */
  settlementsRefused(refused: readonly Refused[]): void {
    this.#refused = refused.length
    if (refused.length === 0) return this.#settlementsStored()
    const now = performance.now()
    const { count, at } = this.#said ?? { count: 0, at: -Infinity }
    if (now - at < (count === refused.length ? SAY_AGAIN_MS : SAY_CHANGE_MS)) return
    this.#said = { count: refused.length, at: now }
    this.#emit('error', 'settle.refused', refusedMessage(this.#queue, refused), {
      queue: this.#queue,
      count: refused.length,
      handlers: handlersOf(refused),
      codes: [...new Set(refused.map(({ error }) => stateOf(error)))],
      deliveryIds: refused.slice(0, MOST_IDS).map(({ settlement }) => settlement.delivery.id),
    })
  }

  #settlementsStored(): void {
    if (!this.#said) return
    this.#said = null
    const message = `${this.#queue}: the database has stored the outcomes that it had refused.`
    this.#emit('info', 'settle.stored', message, { queue: this.#queue })
  }

  claimLost(delivery: ClaimedDelivery): void {
    const message = `${delivery.handler}: the claim of ${delivery.id} was lost; it may run again.`
    this.#emit('warn', 'claim.lost', message, fieldsOf(delivery))
  }
}

function fieldsOf({ id, handler, attempt }: ClaimedDelivery) {
  return { deliveryId: id, handler, attempt }
}

function refusedMessage(queue: string, refused: readonly Refused[]): string {
  const reasons = [...new Set(refused.map(({ error }) => reasonOf(error)))]
  const more = reasons.length > MOST_REASONS ? `; and ${reasons.length - MOST_REASONS} other reasons` : ''
  const ids = refused.slice(0, MOST_REASONS).map(({ settlement }) => settlement.delivery.id)
  const which = `${ids.join(', ')}${refused.length > ids.length ? ', …' : ''}`
  return (
    `${queue}: the database refuses to store the outcome of ${refused.length} deliveries of ${handlersOf(refused).join(', ')} ` +
    `(${which}): ${reasons.slice(0, MOST_REASONS).join('; ')}${more}. They are not run again; storing them is tried again.`
  )
}

function handlersOf(refused: readonly Refused[]): readonly string[] {
  return [...new Set(refused.map(({ settlement }) => settlement.delivery.handler))]
}

function reasonOf(error: unknown): string {
  const state = stateOf(error)
  return `${safeTextOfError(error)}${state ? ` (${state})` : ''}`
}
