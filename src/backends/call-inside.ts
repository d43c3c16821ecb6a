/**
 * Calls one handler inside `publish`. The inline backend does so for every handler, Postgres for handlers with `runs: 'in-transaction'`. The call is
 * not stored and not retried, so an error of the handler reaches the publisher. Snoozing is an error: the handler would not be called again.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { callBatch } from '../attempt/batch-call.ts'
import { callHandler, type CallParts } from '../attempt/call-handler.ts'
import { Deadlines } from '../attempt/deadlines.ts'
import type { Answer, HandlerCall } from '../attempt/handler-call.ts'
import { shadowOfWhole } from '../attempt/shadow-event.ts'
import { unstoredDelivery } from '../attempt/unstored-delivery.ts'
import type { Codec } from '../codec/codec.ts'
import { textOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'
import type { EndedDelivery } from '../events/event-type.ts'
import { finishing } from '../handlers/finishers.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import { isAnswer, type Failed } from '../handlers/outcome.ts'
import type { Registry } from '../handlers/registry.ts'
import type { PlannedEvent } from '../publishing/backend.ts'
import { isError } from '../realm.ts'
import { decodedCopy, storedForm } from './decoded-copy.ts'

export interface CallInsideParts extends Pick<CallParts, 'emit' | 'publish' | 'middleware' | 'tx'> {
  readonly registry: Registry
  readonly codec: Codec
}

/** A chain of more handlers than this, each publishing inside another, is treated as an endless loop. */
const MOST_LINKS = 100

/** The handlers that are running around the current one. One store per process, because a chain can lead through several buses. */
const chain = new AsyncLocalStorage<readonly string[]>()

/** `ended`: how the event ended at the handlers before this one. A finisher needs it. */
export async function callInside(
  handler: AnyHandler,
  planned: PlannedEvent,
  parts: CallInsideParts,
  ended: readonly EndedDelivery[] = [],
): Promise<Omit<EndedDelivery, 'handler'>> {
  const { registry, codec } = parts
  const links = [...(chain.getStore() ?? []), `${planned.envelope.type} → ${handler.name}`]
  if (links.length > MOST_LINKS) throw endlessChain(links)
  const delivery = unstoredDelivery(handler, storedForm(planned), 1)
  const copy = decodedCopy(planned, codec, registry.readingOf(handler, planned.envelope))
  const event = handler.isShadow ? shadowOfWhole(copy) : copy
  const called = finishing(handler, async () => ended) ?? handler
  const call = { delivery, handler: called, event, abort: new AbortController() }
  const answer = await chain.run(links, () => answerTo(call, { ...parts, deadlines: new Deadlines() }))
  return endOf(answer, call, parts)
}

/** A batch handler gets a batch of one event, because each event is handled before the next one. */
async function answerTo(call: HandlerCall, parts: CallParts): Promise<Answer> {
  if (!call.handler.batch) return callHandler(call, parts)
  const answerFor = await callBatch({ ...call, members: [call] }, parts)
  return answerFor(call.event.id)
}

function endOf(
  answer: Answer,
  { handler, event }: HandlerCall,
  { emit }: CallInsideParts,
): Omit<EndedDelivery, 'handler'> {
  if (answer.threw) throw answer.error
  if (!isAnswer(answer.value)) return { state: 'done', reason: null }

  const who = `Handler "${handler.name}" for ${event.type} ${event.id}`
  switch (answer.value.is) {
    case 'skip':
      return { state: 'skipped', reason: answer.value.reason }
    case 'failed':
      throw failure(who, answer.value)
    case 'snooze':
      throw snoozed(who)
    case 'await':
      throw awaits(who)
    case 'discard': {
      const { reason } = answer.value
      if (handler.options.runs === 'in-transaction') throw failure(who, { reason, cause: undefined })
      const fields = { handler: handler.name, eventId: event.id, eventType: event.type }
      emit('error', 'delivery.dead', `${who} discarded it: ${reason}`, fields)
      return { state: 'dead', reason }
    }
  }
}

/** `failed(error)` is like throwing that error. A reason in words becomes an error that names the handler and the event. */
function failure(who: string, { reason, cause }: Pick<Failed, 'reason' | 'cause'>): unknown {
  if (isError(cause) && textOfError(cause) === reason) return cause
  return new PostbusError('POSTBUS_ATTEMPT_FAILED', `${who} failed: ${reason}`, cause === undefined ? {} : { cause })
}

function snoozed(who: string): PostbusError {
  return new PostbusError(
    'POSTBUS_INLINE_SNOOZED',
    `${who} snoozed, but a handler that runs inside publish() has no later: it would not be called again. Test it with ` +
      "runEvent(), or with setEventBusMode('live') and drainEvents().",
  )
}

function awaits(who: string): PostbusError {
  return new PostbusError(
    'POSTBUS_INLINE_AWAITS',
    `${who} waits to be told how it ended, but a handler that runs inside publish() has ended when publish() has. Test it with ` +
      "runEvent(), or with setEventBusMode('live') and drainEvents().",
  )
}

function endlessChain(links: readonly string[]): PostbusError {
  const last = links.slice(-4).join(', ')
  return new PostbusError(
    'POSTBUS_ENDLESS_CHAIN',
    `Handlers publish inside handlers, ${MOST_LINKS} deep: … ${last}. In workers this would never end. ` +
      'Let one of them be interested in less, or publish less.',
  )
}
