/** Pauses: `bus.pause`, `bus.resume` and `bus.pauses` of handlers and queues; keys are paused by `bus.lanes.pause`. */
import { z } from 'zod'
import { PostbusError } from '../errors.ts'
import { NAME } from '../names.ts'
import type { ActOptions, ActReport } from './acts.ts'
import { laneKey } from './lane-key.ts'
import type { LaneName } from './lanes.ts'
import { pageFields, type PageOptions } from './page.ts'

/** A handler, or a queue by the name that handlers give as their `queue`: its deliveries with a key are paused too. */
export type Pausable =
  { readonly handler: string; readonly queue?: never } | { readonly queue: string; readonly handler?: never }

/** What is paused: a handler, a queue, or one key of a handler. */
export interface Pause {
  readonly handler: string | null
  readonly queue: string | null
  readonly partitionKey: string | null
  readonly by: string | null
  readonly reason: string | null
  readonly pausedAt: Date
}

export interface PausePage {
  readonly pauses: readonly Pause[]
  /** For the next page; `null` when this was the last one. */
  readonly cursor: string | null
}

/** The part of the bus that pauses. */
export interface Pauses {
  /**
   * From now on nothing of this handler or queue begins, in any process, until `resume`. Events go on being published and stored, and wait
   * in their order. What runs ends; what a claim has brought that was on its way at this moment runs too, and in a lane that is worked
   * off in a run the few quick deliveries that begin before its worker hears of it. Survives restarts; `doctor` says what is paused.
   *
   * Returns a count of 0 when it was paused already.
   *
   * @example await bus.pause({ handler: 'finances.create-invoice' }, { by: 'ada', reason: 'wrong tax rate' })
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when nothing is named; `POSTBUS_UNKNOWN_HANDLER`, `POSTBUS_QUEUE_MISSING`.
   */
  pause(what: Pausable, act?: ActOptions): Promise<ActReport>
  /**
   * Lets it go on, in order. Workers hear of it at once. Returns a count of 0 when it was not paused.
   *
   * @example await bus.resume({ handler: 'finances.create-invoice' }, { by: 'ada' })
   */
  resume(what: Pausable, act?: ActOptions): Promise<ActReport>
  /** What is paused: handlers, queues and keys, page by page. */
  pauses(page?: PageOptions): Promise<PausePage>
}

const QUEUE = /^[a-z][a-z0-9_.-]{0,51}$/

export const pausable = z
  .strictObject({
    handler: z.string().regex(NAME).exactOptional(),
    queue: z
      .string()
      .regex(QUEUE)
      .refine((name) => !name.endsWith('_partitioned'), 'expected the name that handlers give as their `queue`')
      .exactOptional(),
  })
  .refine(
    ({ handler, queue }) => (handler === undefined) !== (queue === undefined),
    'expected { handler } or { queue }; a key is paused by bus.lanes.pause()',
  )

export const pausePage = z.strictObject(pageFields)

/** What a pause is stored by. */
export interface PauseName {
  readonly kind: 'handler' | 'queue' | 'lane'
  readonly name: string
}

export function pauseName({ handler, queue = '' }: z.output<typeof pausable>): PauseName {
  return handler === undefined ? { kind: 'queue', name: queue } : { kind: 'handler', name: handler }
}

export function lanePause(lane: LaneName): PauseName {
  return { kind: 'lane', name: laneKey(lane) }
}

const CURSOR = /^pauses (handler|queue|lane) (.+)$/s

export function pauseCursor({ kind, name }: PauseName): string {
  return Buffer.from(`pauses ${kind} ${name}`).toString('base64url')
}

/** The pause at which a page ended. */
export function pauseAfter(cursor: string | null): PauseName | null {
  if (cursor === null) return null
  const [, kind, name] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (kind && name) return { kind: kind as PauseName['kind'], name }
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `pauses(): the cursor ${JSON.stringify(cursor.slice(0, 100))} is not one that it returned. ` +
      'Pass the `cursor` of the page before, unchanged, or none to begin at the beginning.',
  )
}
