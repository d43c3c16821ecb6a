/** Acts: what an operator does to deliveries. Each act records who did it and why, if given, and returns how many deliveries it touched. */
import { z } from 'zod'
import { parseOptions } from '../parse-options.ts'
import { storableText } from './storable-text.ts'

export interface ActOptions {
  /** Who does it, for example a name or an address; at most 512 characters. */
  readonly by?: string
  /** Why, at most 2,000 characters. */
  readonly reason?: string
}

/** Options of acts on many deliveries. These run in batches: each batch is a short transaction of its own, and stays done. */
export interface BatchActOptions extends ActOptions {
  /** At most this many deliveries, the oldest events first. Repeat the act to go on with the rest. Default: all that match. */
  readonly limit?: number
  /** Called after each batch with the number of deliveries done so far. */
  readonly onProgress?: (count: number) => void
}

/** Options of acts that start many deliveries at once. */
export interface PacedActOptions extends BatchActOptions {
  /** At most this many deliveries per second. Default: as fast as possible. */
  readonly ratePerSecond?: number
  /** Only counts what it would touch: does nothing, and is not recorded. */
  readonly preview?: boolean
}

/** Options of acts that can be previewed. */
export interface PreviewedActOptions extends ActOptions {
  /** Only counts what it would touch: does nothing, and is not recorded. */
  readonly preview?: boolean
}

export interface ActReport {
  /** How many deliveries it touched. */
  readonly count: number
}

/** The acts that operators can do, by the names of their functions. */
export const ACT_NAMES = [
  'deadLetters.retry',
  'deadLetters.dismiss',
  'lanes.retry',
  'lanes.retryAll',
  'lanes.skipHead',
  'lanes.rewind',
  'lanes.repair',
  'lanes.pause',
  'lanes.resume',
  'pause',
  'resume',
  'replay',
  'replays.pause',
  'replays.resume',
  'replays.cancel',
  'log.rewind',
  'log.skipTo',
  'log.forget',
  'events.import',
  'events.redact',
  'events.delete',
  'cancel',
  'deliveries.complete',
  'deliveries.skip',
  'deliveries.fail',
  'schedules.run',
] as const

export type ActName = (typeof ACT_NAMES)[number]

/** An act about to be done. `by` and `reason` are `null` if the operator did not give them. */
export interface Act {
  readonly is: ActName
  readonly by: string | null
  readonly reason: string | null
}

export type Batches = Required<Pick<BatchActOptions, 'limit' | 'onProgress'>>

const whoAndWhy = { by: storableText(512).optional(), reason: storableText(2_000).optional() }

const actOptions = z.strictObject(whoAndWhy)
const pace = {
  ratePerSecond: z.number().gt(0).max(100_000).exactOptional(),
  preview: z.boolean().exactOptional(),
}

const batchActOptions = z.strictObject({
  ...whoAndWhy,
  limit: z.int().min(1).exactOptional(), // an explicit undefined is refused: it must not mean all
  onProgress: z
    .custom<(count: number) => void>((value) => typeof value === 'function', { error: 'expected a function' })
    .default(() => () => undefined),
})

const previewedActOptions = actOptions.extend({ preview: pace.preview })
const pacedActOptions = batchActOptions.extend(pace)

/** @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`. */
export function parseAct(is: ActName, given: ActOptions | undefined): Act {
  const { by = null, reason = null } = parseOptions(`${is}()`, actOptions, given ?? {})
  return Object.freeze({ is, by, reason })
}

/** @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`. */
export function parsePreviewedAct(is: ActName, given: PreviewedActOptions | undefined): Act & Pick<Pace, 'preview'> {
  const { by = null, reason = null, preview = false } = parseOptions(`${is}()`, previewedActOptions, given ?? {})
  return Object.freeze({ is, by, reason, preview })
}

/** @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`. */
export function parseBatchAct(is: ActName, given: BatchActOptions | undefined): Act & Batches {
  const parsed = parseOptions(`${is}()`, batchActOptions, given ?? {})
  const { by = null, reason = null, limit = Number.MAX_SAFE_INTEGER, onProgress } = parsed
  return Object.freeze({ is, by, reason, limit, onProgress })
}

export interface Pace {
  /** `null`: as fast as possible. */
  readonly ratePerSecond: number | null
  readonly preview: boolean
}

/** @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`. */
export function parsePacedAct(is: ActName, given: PacedActOptions | undefined): Act & Batches & Pace {
  const { ratePerSecond = null, preview = false, ...rest } = parseOptions(`${is}()`, pacedActOptions, given ?? {})
  const { by = null, reason = null, limit = Number.MAX_SAFE_INTEGER, onProgress } = rest
  return Object.freeze({ is, by, reason, limit, onProgress, ratePerSecond, preview })
}
