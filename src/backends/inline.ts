/**
 * The inline backend: the interested handlers run before `publish` returns, one after the other in registry order, depth
 * first. Nothing is stored, so nothing is retried: the first error reaches the publisher, and the handlers after it do not
 * run. A discarded event is signalled as a worker would; a snoozed one has no later to come back in, and is an error.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Backend, PlannedEvent } from '../publishing/backend.ts'
import { now } from '../clock.ts'
import type { Codec } from '../codec/codec.ts'
import { textOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'
import { isError } from '../realm.ts'
import type { EndedDelivery } from '../events/event-type.ts'
import { finishing } from '../handlers/finishers.ts'
import type { LazyRegistry } from '../handlers/lazy-registry.ts'
import { isAnswer, type Failed } from '../handlers/outcome.ts'
import { checkBatchSize, firstOfEachId } from '../publishing/batch.ts'
import type { PublishTransaction } from '../transactions/transaction.ts'
import { callBatch } from '../attempt/batch-call.ts'
import { callHandler, type CallParts } from '../attempt/call-handler.ts'
import type { Answer, HandlerCall } from '../attempt/handler-call.ts'
import { Deadlines } from '../attempt/deadlines.ts'
import { shadowOfWhole } from '../attempt/shadow-event.ts'
import { unstoredDelivery } from '../attempt/unstored-delivery.ts'
import { decodedCopy, storedForm } from './decoded-copy.ts'
import { openTransaction } from '../transactions/open-transaction.ts'
import { resultsOf, type RememberedIds } from './remembered-ids.ts'

export interface InlineParts extends Pick<CallParts, 'emit' | 'publish'> {
  readonly registry: LazyRegistry
  readonly codec: Codec
  readonly ids: RememberedIds
}

/** Handlers that publish inside handlers, this many deep, are taken for a circle. */
const MOST_LINKS = 100

/** Which handlers are running around this one. One for the process, because a chain can lead through several buses. */
const chain = new AsyncLocalStorage<readonly string[]>()

export function createInlineBackend(parts: InlineParts): Backend {
  return {
    async publish(events, tx) {
      if (tx !== undefined) openTransaction(tx)
      checkBatchSize(firstOfEachId(events))
      const fresh = parts.ids.take(events)
      try {
        for (const planned of fresh) await runHandlers(planned, tx, parts)
      } catch (error) {
        parts.ids.forget(fresh)
        throw error
      }
      return resultsOf(events, fresh)
    },
    check: async () => undefined,
    close: async () => undefined,
  }
}

async function runHandlers(
  planned: PlannedEvent,
  tx: PublishTransaction | undefined,
  parts: InlineParts,
): Promise<void> {
  if (planned.envelope.expiresAt && planned.envelope.expiresAt <= now()) return // as a worker does
  const registry = await parts.registry.load()
  const ended: EndedDelivery[] = []
  for (const handler of planned.handlers) {
    const links = [...(chain.getStore() ?? []), `${planned.envelope.type} → ${handler.name}`]
    if (links.length > MOST_LINKS) throw endlessChain(links)
    const delivery = unstoredDelivery(handler, storedForm(planned), 1)
    const copy = decodedCopy(planned, parts.codec, registry.readingOf(handler, planned.envelope))
    const event = handler.isShadow ? shadowOfWhole(copy) : copy
    const called = finishing(handler, async () => ended) ?? handler
    const call = { delivery, handler: called, event, abort: new AbortController() }
    const answer = await chain.run(links, () => answerTo(call, { ...parts, deadlines: new Deadlines(), tx }))
    ended.push({ handler: handler.name, ...settleInline(answer, call, parts) })
  }
}

/** A batch handler has a batch of one: each event is handled before the next one is looked at. */
async function answerTo(call: HandlerCall, parts: CallParts): Promise<Answer> {
  if (!call.handler.batch) return callHandler(call, parts)
  const answerFor = await callBatch({ ...call, members: [call] }, parts)
  return answerFor(call.event.id)
}

function settleInline(
  answer: Answer,
  { handler, event }: HandlerCall,
  { emit }: InlineParts,
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
    case 'discard': {
      const fields = { handler: handler.name, eventId: event.id, eventType: event.type }
      emit('error', 'delivery.dead', `${who} discarded it: ${answer.value.reason}`, fields)
      return { state: 'dead', reason: answer.value.reason }
    }
  }
}

/** `failed(error)` is like throwing that error. A reason in words becomes an error that says whose it is. */
function failure(who: string, { reason, cause }: Failed): unknown {
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

function endlessChain(links: readonly string[]): PostbusError {
  const last = links.slice(-4).join(', ')
  return new PostbusError(
    'POSTBUS_ENDLESS_CHAIN',
    `Handlers publish inside handlers, ${MOST_LINKS} deep: … ${last}. In workers this would never end. ` +
      'Let one of them be interested in less, or publish less.',
  )
}
