/** Pauses of handlers and queues: `bus.pause`, `bus.resume` and `bus.pauses`; partition keys are paused by `bus.lanes.pause`. */
import { z } from 'zod'
import { PostbusError } from '../errors.ts'
import { NAME } from '../names.ts'
import type { ActOptions, ActReport } from './acts.ts'
import { laneKey } from './lane-key.ts'
import type { LaneName } from './lanes.ts'
import { pageFields, type PageOptions } from './page.ts'

/** A handler, or a queue by the name in the handlers' `queue` option. With a queue, its deliveries with a key are paused too. */
export type Pausable =
  { readonly handler: string; readonly queue?: never } | { readonly queue: string; readonly handler?: never }

/** A pause of a handler, of a queue, or of one key of a handler. */
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
  /** Pass it to get the next page; `null` when this was the last one. */
  readonly cursor: string | null
}

/** The part of the bus that pauses. */
export interface Pauses {
  /**
   * Pauses a handler or queue in all processes until `resume`: no delivery of it begins. Events are still published and stored, and wait
   * in their order. Running deliveries end normally. A claim that is on its way at this moment may still bring deliveries, which run too.
   * In a lane whose quick deliveries run one after the other, a few more may begin before the worker hears of the pause. A pause survives
   * restarts; `doctor` reports it.
   *
   * Returns a count of 0 when it was paused already.
   *
   * @example await bus.pause({ handler: 'finances.create-invoice' }, { by: 'ada', reason: 'wrong tax rate' })
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when neither a handler nor a queue is given; `POSTBUS_UNKNOWN_HANDLER`,
   * `POSTBUS_QUEUE_MISSING`.
   */
  pause(what: Pausable, act?: ActOptions): Promise<ActReport>
  /**
   * Ends a pause; deliveries go on in order. Workers hear of it at once. Returns a count of 0 when it was not paused.
   *
   * @example await bus.resume({ handler: 'finances.create-invoice' }, { by: 'ada' })
   */
  resume(what: Pausable, act?: ActOptions): Promise<ActReport>
  /** Lists the paused handlers, queues and keys, page by page. */
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

/** The stored name of a pause. */
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
