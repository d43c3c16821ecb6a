/** The options of `bus.events.whenFinished`. */
import { z } from 'zod'

export interface WaitOptions {
  /** After this many milliseconds, the wait fails with `POSTBUS_WAIT_TIMEOUT`. Default: 60,000; at most a day. */
  readonly timeoutMs?: number
  /** Ends the wait when it aborts; the wait then fails with the signal's reason. */
  readonly signal?: AbortSignal
  /** Also waits for all events that the event has caused, to every depth: the events that handlers published before their attempts ended. */
  readonly includeCaused?: boolean
}

export const waitOptions = z.strictObject({
  timeoutMs: z.int().min(1).max(86_400_000).default(60_000),
  signal: z.instanceof(AbortSignal).exactOptional(),
  includeCaused: z.boolean().default(false),
})

export type CheckedWaitOptions = z.output<typeof waitOptions>
