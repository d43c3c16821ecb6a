/** What a dispatcher has to say about its queue, each thing once per episode. */
import type { ClaimedDelivery, Settlement } from '../deliveries/delivery.ts'
import { safeTextOfError } from '../error-text.ts'
import type { Emit } from '../signals.ts'
import { connectionProblem } from '../transactions/connection-error.ts'

export class QueueSignals {
  readonly #queue: string
  readonly #emit: Emit
  #unreachable = false

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
    if (!this.#unreachable) return
    this.#unreachable = false
    const message = `${this.#queue}: the database answers again.`
    this.#emit('info', 'database.reachable', message, { queue: this.#queue })
  }

  settlementRefused({ delivery }: Settlement, error: unknown): void {
    const what = `${delivery.handler}: the outcome of ${delivery.id} cannot be stored`
    this.#emit('error', 'worker.error', `${what} (${safeTextOfError(error)}); it will run again.`, fieldsOf(delivery))
  }

  claimLost(delivery: ClaimedDelivery): void {
    const message = `${delivery.handler}: the claim of ${delivery.id} was lost; it may run again.`
    this.#emit('warn', 'claim.lost', message, fieldsOf(delivery))
  }
}

function fieldsOf({ id, handler, attempt }: ClaimedDelivery) {
  return { deliveryId: id, handler, attempt }
}
