/** A finding: one line in the output of `postbus types check`. */

export interface TypesFinding {
  /** `breaks`: stored events, waiting deliveries or older workers would not survive it. `fits`: harmless, but worth knowing. */
  readonly is: 'breaks' | 'fits'
  /** The event type or handler. */
  readonly about: string
  readonly what: string
  /** How to fix it; `null` if there is nothing to fix. */
  readonly mend: string | null
}

export function breaks(about: string, what: string, mend: string): TypesFinding {
  return { is: 'breaks', about, what, mend }
}

export function fits(about: string, what: string): TypesFinding {
  return { is: 'fits', about, what, mend: null }
}
