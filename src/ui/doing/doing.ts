/** Something that an operator can do on the page: first it says what it will do, with numbers; then it does that, and says what it has done. */
import type { ActOptions } from '../../deliveries/acts.ts'
import type { Markup } from '../html.ts'
import type { Visit } from '../visit.ts'

export interface Preview {
  /** What will be done, in one sentence with numbers. */
  readonly says: string
  /** What to know before. */
  readonly warns?: string
  /** How many it touches: it is done to no more than that. 0: there is nothing to do. */
  readonly count: number
  /** More to fill in, beside the reason. */
  readonly fields?: Markup
}

export interface Doing {
  readonly title: string
  /** On the button that does it. */
  readonly button: string
  /** Looks, and changes nothing. `values` are those of the link or form that led here. */
  preview(visit: Visit, values: URLSearchParams): Promise<Preview>
  /** Does it by the bus's public functions, and returns a sentence about what was done. */
  run(visit: Visit, values: URLSearchParams, how: How): Promise<string>
}

export interface How {
  /** Who does it, and why if that was said. */
  readonly act: ActOptions
  /** How many the preview has shown. */
  readonly most: number
}
