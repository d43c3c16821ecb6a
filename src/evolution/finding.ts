/** One line of what `postbus types check` says. */

export interface TypesFinding {
  /** `breaks`: stored events, waiting deliveries or older workers could not survive it. `fits`: worth knowing. */
  readonly is: 'breaks' | 'fits'
  /** The event type or handler. */
  readonly about: string
  readonly what: string
  /** How to mend it; `null` where nothing has to be. */
  readonly mend: string | null
}

export function breaks(about: string, what: string, mend: string): TypesFinding {
  return { is: 'breaks', about, what, mend }
}

export function fits(about: string, what: string): TypesFinding {
  return { is: 'fits', about, what, mend: null }
}
