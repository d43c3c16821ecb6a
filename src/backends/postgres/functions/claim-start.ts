/**
 * How a claim begins, of either kind of queue: it reads marks, pauses and limits, and asks whether anything is set aside.
 *
 * The order matters. Limits may have to wait for other claims. What comes after them has a later snapshot, and sees what those did.
 */
import type { Tables } from '../schema/tables.ts'
import { FRONT_VARIABLES } from './front.ts'
import { MARK_VARIABLES, readingMarks } from './marks.ts'
import { limitingPaused, PAUSE_VARIABLES, readingPauses } from './pauses.ts'
import { LIMIT_VARIABLES, probing, readingLimits } from './set-aside.ts'
import { SIZE_VARIABLES } from './sizes.ts'

/** The variables of both claims. */
export const CLAIM_VARIABLES = `${LIMIT_VARIABLES}${MARK_VARIABLES}${FRONT_VARIABLES}${SIZE_VARIABLES}${PAUSE_VARIABLES}`

/** SQL: sets these variables, and `found` if anything is set aside. If the queue is paused, the claim ends here. */
export function beginning(tables: Tables): string {
  return `${readingMarks(tables)}
  ${readingPauses(tables)}
  ${readingLimits(tables)}
  ${limitingPaused(tables)}
  ${probing(tables)}`
}
