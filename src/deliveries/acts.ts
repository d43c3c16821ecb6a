/** An act: what an operator does to deliveries. Each says who does it and why, if it is told, and returns how many it touched. */
import { z } from 'zod'
import { parseOptions } from '../parse-options.ts'
import { storableText } from './storable-text.ts'

export interface ActOptions {
  /** Who does it: a name or an address, at most 512 characters. */
  readonly by?: string
  /** Why, at most 2,000 characters. */
  readonly reason?: string
}

export interface ActReport {
  /** How many deliveries it touched. */
  readonly count: number
}

/** An act about to be done, with who and why where the operator said so. */
export interface Act {
  readonly is: 'deadLetters.retry' | 'deadLetters.dismiss' | 'lanes.retry' | 'lanes.skipHead'
  readonly by: string | null
  readonly reason: string | null
}

const actOptions = z.strictObject({ by: storableText(512).optional(), reason: storableText(2_000).optional() })

/** @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`. */
export function parseAct(is: Act['is'], given: ActOptions | undefined): Act {
  const { by = null, reason = null } = parseOptions(`${is}()`, actOptions, given ?? {})
  return Object.freeze({ is, by, reason })
}
