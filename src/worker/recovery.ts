/**
 * Takes over the claims of workers that went silent. After an outage, or a pause of this process, all claims look abandoned,
 * our own too: then everyone first gets the time to speak up.
 */
import { performance } from '../clock.ts'
import type { DeliveryStore } from '../deliveries/delivery-store.ts'
import type { Emit } from '../signals.ts'

/** A worker that has not kept its claims for this long is taken for dead. */
const SILENT_AFTER_MS = 10_000

export interface RecoveryParts {
  readonly store: Pick<DeliveryStore, 'recover'>
  readonly emit: Emit
}

export class Recovery {
  readonly #parts: RecoveryParts
  /** When the database last answered, and until when no claim is taken over: `performance.now()`. */
  #heardAt = performance.now()
  #patientUntil = 0

  constructor(parts: RecoveryParts) {
    this.#parts = parts
  }

  /** To be called when the database has just answered. */
  async look(): Promise<void> {
    const now = performance.now()
    if (now - this.#heardAt > SILENT_AFTER_MS / 2) this.#patientUntil = now + SILENT_AFTER_MS
    this.#heardAt = now
    if (now < this.#patientUntil) return

    for (const { queue, count } of await this.#parts.store.recover()) {
      const message = `${queue}: ${count} deliveries were taken over from a worker that went silent.`
      this.#parts.emit('warn', 'delivery.recovered', message, { queue, count })
    }
  }
}
