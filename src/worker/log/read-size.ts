/** Decides how many events or messages to read at once: many small ones, but few large ones, so that they fit in memory. */

const LARGE = 4 * 1_048_576

export interface ReadLimits {
  readonly fewest: number
  readonly most: number
}

export class ReadSize {
  readonly #limit: number
  #most: number

  constructor({ fewest, most }: ReadLimits) {
    this.#limit = most
    this.#most = fewest
  }

  get most(): number {
    return this.#most
  }

  /** `size`: the bytes of the last read, or the characters of its payloads. */
  learn({ count, size }: { readonly count: number; readonly size: number }): void {
    if (size > LARGE) this.#most = Math.max(1, Math.floor(this.#most / 4))
    else if (size < LARGE / 4 && count === this.#most) this.#most = Math.min(2 * this.#most, this.#limit)
  }
}

/** Returns the characters of all payloads. */
export function payloadSize(events: readonly { readonly payload: string | null }[]): number {
  return events.reduce((sum, { payload }) => sum + (payload?.length ?? 0), 0)
}
