/** Before anything is stored: who receives each event, and its data encoded. Everything that can be refused is refused here. */
import type { PlannedEvent } from './backend.ts'
import type { Codec } from './codec.ts'
import type { Envelope } from './envelope.ts'
import { PostbusError } from './errors.ts'
import { isPlainObject } from './event-checks.ts'
import type { PublishOptions } from './publish.ts'
import type { Transaction } from './transaction.ts'
import { isInterested, type Registry } from './registry.ts'
import type { Emit } from './signals.ts'

export interface PlanWith {
  readonly registry: Registry
  readonly codec: Codec
  readonly emit: Emit
  readonly source: string | null
}

/** Runs `interested` of every subscribed handler, synchronously. */
export function planEvents(
  events: readonly Envelope[],
  { registry, codec, emit, source }: PlanWith,
): readonly PlannedEvent[] {
  return events.map((event) => {
    checkEnvelope(event)
    const envelope = event.source === null && source !== null ? Object.freeze({ ...event, source }) : event
    const payload = codec.encode(event.data, event.type)
    const subscribed = registry.handlersOf(event)
    if (subscribed.length === 0) warnNobody(event, registry, emit)
    return { envelope, handlers: subscribed.filter((handler) => isInterested(handler, envelope)), payload }
  })
}

/**
 * The transaction of a publish, checked against the two mistakes that would publish outside of it: the transaction in the
 * place of the options, and a `tx` that is undefined by accident.
 */
export function transactionOf(options: PublishOptions): Transaction | undefined {
  const given: unknown = options // JavaScript may pass anything
  if (!isPlainObject(given)) {
    throw notATransaction('its second argument is not `{ tx }`. Pass the transaction as `{ tx: trx }`.')
  }
  if (!('tx' in options)) return undefined
  if (options.tx !== undefined) return options.tx
  throw notATransaction('`tx` is undefined. Leave it out to publish on its own.')
}

function notATransaction(problem: string): PostbusError {
  return new PostbusError('POSTBUS_NOT_A_TRANSACTION', `publish(): ${problem}`)
}

/** A published object must come from an event type: a hand-made one has not been validated. */
function checkEnvelope(event: Envelope): void {
  const looksRight =
    typeof event === 'object' &&
    event !== null &&
    Object.isFrozen(event) &&
    typeof event.type === 'string' &&
    'occurredAt' in event
  if (looksRight) return
  throw new PostbusError(
    'POSTBUS_INVALID_EVENT',
    `publish() was given ${describe(event)}: expected an event made by calling its event type, such as OrderCreated({ … }).`,
  )
}

function describe(value: unknown): string {
  if (typeof value === 'function' && 'type' in value) return `the event type ${String(value.type)} itself`
  if (value instanceof Promise) return 'a promise'
  return value === null ? 'null' : `a value of type ${typeof value}`
}

function warnNobody(event: Envelope, registry: Registry, emit: Emit): void {
  const versions = registry.versionsHandled(event.type)
  const others = versions.length > 0 ? ` (there are handlers for version ${versions.join(', ')})` : ''
  emit(
    'warn',
    'event.no-handlers',
    `${event.type} version ${event.version} has no handlers${others}: the event is stored, and nobody is called.`,
    { type: event.type, version: event.version, eventId: event.id },
  )
}
