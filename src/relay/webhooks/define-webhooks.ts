/**
 * Webhooks of many endpoints: an application's customers, each with a URL and a secret.
 *
 * There are two handlers. The first finds the endpoints of an event, and publishes a separate event for each of them. The second sends. So each
 * endpoint has its own attempts, errors, dead letters and order, and an endpoint that is down does not delay the others.
 *
 *   orders.order-created ──► customers.webhooks ─┬─► …send-requested for endpoint A ──► customers.webhooks.send
 *                                                └─► …send-requested for endpoint B ──► customers.webhooks.send
 */
import { callerOf } from '../../events/defined-at.ts'
import type { Envelope } from '../../events/envelope.ts'
import { idFrom } from '../../events/event-id.ts'
import { defineHandler, invalid, type Handler } from '../../handlers/handler.ts'
import type { HandlerContext } from '../../handlers/handler-context.ts'
import type { Listening } from '../../handlers/listens-to.ts'
import { skip, type Skip } from '../../handlers/outcome.ts'
import { storedName } from '../../names.ts'
import { parseOptions } from '../../parse-options.ts'
import { formatProblem, messagesIn } from '../formats.ts'
import { defineRelay } from '../relay.ts'
import type { RelayTarget } from '../target.ts'
import { guardedTarget } from './guarded-target.ts'
import { isOurs, OURS, requestIn, sendRequested } from './send-requested.ts'
import { WEBHOOK_ATTEMPTS, webhookBackoff } from './webhook-backoff.ts'
import { webhookTarget } from './webhook-target.ts'
import { webhooksOptions, type WebhooksDefinition } from './webhooks-definition.ts'

/** The handler that finds endpoints, and the one that sends. Give both to the bus. */
export type Webhooks = readonly [find: Handler, send: Handler]

/**
 * Declares the webhooks that an application sends to its customers. Returns two handlers; the second has the name of the first plus `.send`.
 *
 * @example
 * export const webhooks = defineWebhooks('customers.webhooks', {
 *   on: 'orders.*',
 *   endpoints: (event) => db.endpointsFor(event.metadata['customer'], event.type),
 *   endpoint: (id) => db.endpoint(id), // { url, secret }, or null
 *   onGone: (id) => db.disableEndpoint(id),
 * })
 *
 * @throws {PostbusError} `POSTBUS_INVALID_HANDLER`, `POSTBUS_INVALID_OPTIONS` when a name or an option cannot be used.
 */
export function defineWebhooks<const Listens extends Listening>(
  name: string,
  definition: WebhooksDefinition<Listens>,
): Webhooks {
  const settings = parseOptions(`defineWebhooks("${name}")`, webhooksOptions, definition)
  const { on, interested, previousNames = [], backfill, delivery, shards, queue, priority } = definition
  const problem = formatProblem(definition)
  if (problem !== null) throw invalid(name, problem)
  const SendRequested = sendRequested(name, settings.order, previousNames)
  const messageOf = messagesIn(definition.format ?? 'cloudevents', definition)
  const firstName = storedName(name, previousNames)

  async function handle(event: Envelope, context: HandlerContext): Promise<Skip | void> {
    const endpoints = await settings.endpoints(event as never) // its type is one that `on` matches
    if (endpoints.length === 0) return skip('no endpoint wants it')
    const message = await messageOf(event)
    const { expiresAfterMs: ttlMs } = settings
    const requests = [...new Set(endpoints)].map((endpoint) => {
      // A second attempt makes the same ids, so a stored event is not published twice. A replay makes new ids, because it must send again.
      const id = idFrom(JSON.stringify([firstName, event.id, endpoint, context.replayId]))
      return SendRequested({ endpoint, message }, { id, metadata: OURS, ...(ttlMs !== undefined && { ttlMs }) })
    })
    await context.publish(requests)
  }

  /** Without this, a pattern such as `'*'` would also match the requests, and make new requests from them without end. */
  function isForCustomers(event: Envelope): boolean {
    if (isOurs(event)) return false
    return interested ? interested(event as never) : true
  }

  const finding = { on, interested: isForCustomers, previousNames, backfill, delivery, shards, queue, priority, handle }
  const sending = {
    ...sendingOptions(definition, settings.timeoutMs),
    on: SendRequested,
    previousNames: previousNames.map((previous) => `${previous}.send`),
    to: sendingTarget(settings),
    format: (event: Envelope) => requestIn(event).message,
  }
  const definedAt = callerOf(defineWebhooks)
  const handlers = [defineHandler(name, finding as never), defineRelay(`${name}.send`, sending)]
  return Object.freeze(handlers.map((handler) => ({ ...handler, definedAt }))) as unknown as Webhooks
}

/** Beside its requests, an attempt needs time to find the endpoint. It makes two requests if the first used a connection that was closed. */
const BESIDE_REQUESTS_MS = 30_000

function sendingOptions(definition: WebhooksDefinition<Listening>, timeoutMs: number) {
  const { isRetryable, concurrency, queue, priority, rateLimit, onDead } = definition
  const { maxAttempts = WEBHOOK_ATTEMPTS, backoff = webhookBackoff } = definition
  const given = { maxAttempts, backoff, isRetryable, concurrency, queue, priority, rateLimit, onDead }
  const present = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...(Object.fromEntries(present) as Partial<typeof given>), timeoutMs: 2 * timeoutMs + BESIDE_REQUESTS_MS }
}

type Settings = ReturnType<typeof webhooksOptions.parse>

function sendingTarget({ endpoint, onGone, onFailing, circuit, ...how }: Settings): RelayTarget {
  const { timeoutMs, allowHttp, allowPrivateAddresses, maxRetryAfterMs } = how
  const target = webhookTarget({
    timeoutMs,
    allowHttp,
    allowPrivateAddresses,
    maxRetryAfterMs,
    endpoint: (event) => endpoint(requestIn(event).endpoint),
    onGone: onGone && ((_, event) => onGone(requestIn(event).endpoint)),
  })
  return guardedTarget(target, { circuit, endpointOf: ({ event }) => requestIn(event).endpoint, onFailing })
}
