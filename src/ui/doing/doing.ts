/** An action of an operator on the page: it first says what it will do, with numbers; then it does that, and says what it has done. */
import type { ActOptions } from '../../deliveries/acts.ts'
import type { Markup } from '../html.ts'
import type { Visit } from '../visit.ts'

export interface Preview {
  /** What will be done, in one sentence with numbers. */
  readonly says: string
  /** What the operator should know before. */
  readonly warns?: string
  /** How many it touches; no more than these will be touched. 0: there is nothing to do. */
  readonly count: number
  /** More fields to fill in, in addition to the reason. */
  readonly fields?: Markup
}

export interface Doing {
  readonly title: string
  /** The text of the button that does it. */
  readonly button: string
  /** Changes nothing. `values` are the fields of the link or form that led here. */
  preview(visit: Visit, values: URLSearchParams): Promise<Preview>
  /** Does it with the bus's public functions, and returns a sentence about what was done. */
  run(visit: Visit, values: URLSearchParams, how: How): Promise<string>
}

export interface How {
  /** Who does it, and the reason if one was given. */
  readonly act: ActOptions
  /** The count that the preview has shown. */
  readonly most: number
}
