/**
 * Channels of `node:diagnostics_channel`, for monitoring that is not part of the application: `postbus:publish` and `postbus:handle` are tracing
 * channels (`diagnostics_channel.tracingChannel`), `postbus:signal` is a plain one. Without a subscriber, they cost one check of a field.
 */
import { tracingChannel } from 'node:diagnostics_channel'
import type { Envelope } from '../events/envelope.ts'
import type { BatchContext } from '../handlers/batching.ts'
import type { HandlerContext } from '../handlers/handler-context.ts'
import type { ShadowEvent } from '../handlers/listens-to.ts'
import type { PublishTransaction } from '../transactions/transaction.ts'
import type { BusName } from '../signals.ts'
import type { BatchHook, HandleHook, Hooks, PublishHook } from './hooks.ts'

/** The message that subscribers of `postbus:publish` receive. When the publish has ended, Node adds `result` or `error`. */
export interface PublishMessage {
  readonly bus: BusName
  readonly events: readonly Envelope[]
  readonly tx: PublishTransaction | undefined
}

/** The message that subscribers of `postbus:handle` receive for each attempt. When the attempt has ended, Node adds `result` or `error`. */
export interface HandleMessage {
  readonly bus: BusName
  readonly handler: string
  /** One event, or for a batch handler the events of its batch. */
  readonly events: readonly (Envelope | ShadowEvent)[]
  readonly context: HandlerContext | BatchContext<never>
}

export const PUBLISH_CHANNEL = 'postbus:publish'
export const HANDLE_CHANNEL = 'postbus:handle'

const published = tracingChannel<unknown, PublishMessage>(PUBLISH_CHANNEL)
const handled = tracingChannel<unknown, HandleMessage>(HANDLE_CHANNEL)

/** Returns the hooks of this publish. The channel is the outermost hook. */
export function publishHooks({ bus, publish }: Hooks): readonly PublishHook[] {
  if (!published.hasSubscribers) return publish
  const run: PublishHook['run'] = ({ events, tx }, next) => published.tracePromise(() => next(), { bus, events, tx })
  return [{ of: PUBLISH_CHANNEL, run }, ...publish]
}

/** Returns the hooks of this attempt. */
export function handleHooks({ bus, handle }: Hooks): readonly HandleHook[] {
  if (!handled.hasSubscribers) return handle
  const run: HandleHook['run'] = async ({ handler, event, context }, next) => {
    await handled.tracePromise(() => next(), { bus, handler, events: [event], context })
  }
  return [{ of: HANDLE_CHANNEL, run }, ...handle]
}

/** Returns the hooks of this attempt at a batch. */
export function batchHooks({ bus, handleBatch }: Hooks): readonly BatchHook[] {
  if (!handled.hasSubscribers) return handleBatch
  const run: BatchHook['run'] = async ({ handler, events, context }, next) => {
    await handled.tracePromise(() => next(), { bus, handler, events, context })
  }
  return [{ of: HANDLE_CHANNEL, run }, ...handleBatch]
}
