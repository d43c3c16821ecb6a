/** The time that passed from the beginning of the work until the event happened. */
import type { Envelope } from './envelope.ts'

type Times = { readonly [Time in 'initializedAt' | 'occurredAt']?: Envelope[Time] | null | undefined }

/** From `initializedAt` to `occurredAt`, in milliseconds. 0 when one of them is missing. */
export function durationMs({ initializedAt, occurredAt }: Times): number {
  return initializedAt && occurredAt ? occurredAt.getTime() - initializedAt.getTime() : 0
}
