/** Decides whether a handler that reads the log gets an event: when the event is read, whereas other handlers are asked inside `publish`. */
import type { Codec } from '../codec/codec.ts'
import { safeTextOfError } from '../error-text.ts'
import type { LogEvent, LogSubscription } from '../deliveries/log-reading.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import { asRead, isReadable, type Reading } from '../handlers/reading.ts'
import { isInterested } from '../handlers/registry.ts'
import type { Emit } from '../signals.ts'
import { isEarly, openEnvelope } from './open-envelope.ts'

/** `none`: the handler does not get it. `runs`: it runs here. `waits`: it becomes a delivery, as this worker cannot read it, or its time has not come. */
export type Interest = 'none' | 'runs' | 'waits'

export interface Asking {
  readonly handler: AnyHandler
  readonly subscription: Pick<LogSubscription, 'historyTo'>
  readonly reading: Reading
  readonly codec: Codec
  readonly emit: Emit
}

/** If the event cannot be opened or `interested` throws, the event runs: an attempt reports the problem, and a needless run is better than a lost event. */
export function interestIn(event: LogEvent, { handler, subscription, reading, codec, emit }: Asking): Interest {
  if (reading.is === 'not-heard' || isFromBefore(event, handler, subscription)) return 'none'
  if (!isReadable(reading) || isEarly(event)) return 'waits'
  if (handler.interested === null) return 'runs'
  try {
    return isInterested(handler, asRead(reading, openEnvelope(event, codec))) ? 'runs' : 'none'
  } catch (error) {
    const message = `Handler "${handler.name}" gets ${event.type} ${event.id}, because it cannot be asked: ${safeTextOfError(error)}`
    emit('warn', 'interested.failed', message, { handler: handler.name, eventId: event.id })
    return 'runs'
  }
}

/** Whether the event was published before the handler existed, and before the time from which its backfill wants events. */
function isFromBefore(
  { number, publishedAt }: LogEvent,
  { options: { backfill } }: AnyHandler,
  { historyTo }: Pick<LogSubscription, 'historyTo'>,
): boolean {
  return number <= historyTo && backfill !== undefined && publishedAt < backfill.since.getTime()
}
