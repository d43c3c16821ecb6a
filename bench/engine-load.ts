/** The events of `engine.ts`, and the messages between it and its worker processes. */
import { z } from 'zod'
import { defineEvent, type Envelope } from '../src/index.ts'

const KEYS = 5_000

export const Placed = defineEvent('bench.placed', {
  schema: z.object({
    orderId: z.string(),
    customerId: z.string(),
    total: z.number(),
    note: z.string(),
    at: z.number(),
  }),
  partitionKey: ({ orderId }) => orderId,
})

/** About 150 bytes. */
export function placed(n: number): Envelope {
  const at = performance.timeOrigin + performance.now()
  return Placed({ orderId: `order ${n % KEYS}`, customerId: `customer ${n % 97}`, total: n, note: 'x'.repeat(40), at })
}

export interface EngineWorkerSettings {
  readonly connectionString: string
  readonly handlers: readonly string[]
  /** `null`: the log is read from Postgres. */
  readonly nats: { readonly servers: string; readonly stream: string } | null
  /** Whether to report the time of each event from publish to handler. */
  readonly isTimed: boolean
}

export interface EngineWorkerReport {
  readonly done: number
  readonly firstAt: number
  readonly lastAt: number
  /** CPU time since the first event, or since the start while there was none. */
  readonly cpuMs: number
  /** In milliseconds. */
  readonly took: readonly number[]
}
