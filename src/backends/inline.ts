/**
 * The inline backend: the interested handlers run before `publish` returns, one after the other in registry order, depth
 * first. Nothing is stored, so nothing is retried: the first error reaches the publisher, and the handlers after it do not
 * run. A discarded event is signalled as in a worker. Snoozing is an error, because the handler would not be called again.
 */
import type { Backend, PlannedEvent } from '../publishing/backend.ts'
import { now } from '../clock.ts'
import type { Codec } from '../codec/codec.ts'
import { PostbusError } from '../errors.ts'
import type { EndedDelivery } from '../events/event-type.ts'
import { dueHere } from '../publishing/due.ts'
import type { LazyRegistry } from '../handlers/lazy-registry.ts'
import { needsTransaction } from '../handlers/transactional.ts'
import { checkBatchSize, firstOfEachId } from '../publishing/batch.ts'
import type { BusParts } from '../publishing/backend-override.ts'
import type { RunTransaction } from '../transactions/register.ts'
import type { PublishTransaction } from '../transactions/transaction.ts'
import type { CallParts } from '../attempt/call-handler.ts'
import { openTransaction } from '../transactions/open-transaction.ts'
import { callInside } from './call-inside.ts'
import { inOwnTransaction } from './own-transaction.ts'
import { resultsOf, type RememberedIds } from './remembered-ids.ts'

export interface InlineParts extends Pick<CallParts, 'emit' | 'publish' | 'middleware'>, Pick<BusParts, 'tell'> {
  readonly registry: LazyRegistry
  readonly codec: Codec
  readonly ids: RememberedIds
  /** Opens a transaction for handlers that need one, when the publisher has none. */
  readonly transaction: RunTransaction | undefined
}

export function createInlineBackend(parts: InlineParts): Backend {
  return {
    async publish(events, tx) {
      if (tx !== undefined) openTransaction(tx)
      checkBatchSize(firstOfEachId(events))
      for (const planned of events) refuseLater(planned)
      const fresh = parts.ids.take(events)
      try {
        for (const planned of fresh) await runHandlers(planned, tx, parts)
      } catch (error) {
        parts.ids.forget(fresh)
        throw error
      }
      return resultsOf(events, fresh)
    },
    async broadcast(events, tx) {
      if (tx !== undefined) openTransaction(tx)
      checkBatchSize(events)
      for (const planned of events) parts.tell(planned)
    },
    hear: async () => async () => undefined, // `broadcast` tells the listeners itself
    check: async () => undefined,
    close: async () => undefined,
  }
}

async function runHandlers(
  planned: PlannedEvent,
  tx: PublishTransaction | undefined,
  parts: InlineParts,
): Promise<void> {
  if (planned.envelope.expiresAt && planned.envelope.expiresAt <= now()) return // expired: a worker does not run it either
  const registry = await parts.registry.load()
  const ended: EndedDelivery[] = []
  for (const handler of planned.handlers) {
    const call = (within: PublishTransaction | undefined) =>
      callInside(handler, planned, { ...parts, registry, tx: within }, ended)
    const isAlone = tx === undefined && needsTransaction(handler)
    const end = await (isAlone ? inOwnTransaction(parts.transaction, [handler], call) : call(tx))
    ended.push({ handler: handler.name, ...end })
  }
}

function refuseLater({ envelope: { type }, due }: PlannedEvent): void {
  if (!dueHere(due)) return
  throw new PostbusError(
    'POSTBUS_INLINE_DELAYED',
    `${type} is published for later, but handlers that run inside publish() have no later. Leave \`delayMs\` and \`at\` out here, ` +
      "or test it with setEventBusMode('live'), drainEvents() and time travel. Nothing was published.",
  )
}
