/** The target that sends signed webhooks, by Standard Webhooks: https://www.standardwebhooks.com. */
import { z } from 'zod'
import { now } from '../../clock.ts'
import type { Envelope } from '../../events/envelope.ts'
import { discard, skip } from '../../handlers/outcome.ts'
import { parseOptions } from '../../parse-options.ts'
import { headersOf } from '../headers-of.ts'
import type { RelayMessage } from '../message.ts'
import type { RelayAnswer, RelayContext, RelayTarget } from '../target.ts'
import { checkedEndpoint, type CheckedEndpoint, type WebhookEndpoint } from './endpoint.ts'
import { postClient, type Posted } from './post.ts'
import { requestOptions, type RequestOptions } from './request-options.ts'
import { askedToWait } from './retry-after.ts'
import { signedHeaders } from './signature.ts'
import { WebhookError } from './webhook-error.ts'

/** Finds the endpoint of an event. Called for each attempt, so a changed URL or secret counts from the next one on. `null`: there is none. */
export type EndpointOf = (event: Envelope) => WebhookEndpoint | null | Promise<WebhookEndpoint | null>

export interface WebhookOptions extends RequestOptions {
  readonly endpoint: WebhookEndpoint | EndpointOf
  /**
   * Called when the endpoint returned 410: it wants no more webhooks. Remember that, so that `endpoint` returns `null` from now on. The event is
   * recorded as skipped. An error that this throws is a failed attempt. Default: the event becomes a dead letter.
   */
  readonly onGone?: ((endpoint: WebhookEndpoint, event: Envelope) => unknown) | undefined
}

const options = z.strictObject({
  ...requestOptions,
  endpoint: z.union([z.custom<EndpointOf>((given) => typeof given === 'function'), z.custom<WebhookEndpoint>()]),
  onGone: z.custom<NonNullable<WebhookOptions['onGone']>>((given) => typeof given === 'function').optional(),
})

/**
 * Makes a target that sends each event by POST to an endpoint, signed. 2xx: the event is done. 410: it is not sent again. 429 and 503 with
 * `Retry-After`: it is sent again after that time. Everything else is a failed attempt, a {@link WebhookError}. Redirects are not followed.
 *
 * @example
 * const toPartner = defineRelay('partner.orders', {
 *   on: OrderCreated,
 *   to: webhookTarget({ endpoint: { url: 'https://partner.example/hook', secret: 'whsec_…' } }),
 * })
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`.
 */
export function webhookTarget(given: WebhookOptions): RelayTarget {
  const { endpoint, onGone, ...how } = parseOptions('webhookTarget()', options, given)
  const client = postClient(how)
  const fixed = typeof endpoint === 'function' ? null : checkedEndpoint(endpoint, how)

  async function send(message: RelayMessage, context: RelayContext): Promise<RelayAnswer | void> {
    const found = typeof endpoint === 'function' ? await endpoint(context.event) : endpoint
    if (!found) return skip('there is no endpoint for it')
    const to = fixed ?? checkedEndpoint(found, how)
    const posted = await post(message, to, context)
    if (posted.status >= 200 && posted.status < 300) return undefined

    const said = refusal(to, posted)
    if (posted.status === 410) {
      if (!onGone) return discard(said)
      await onGone(found, context.event)
      return skip(said)
    }
    const wait = askedToWait(posted, { atMostMs: how.maxRetryAfterMs, since: context.event.occurredAt })
    if (!wait) throw new WebhookError(said, { status: posted.status })
    context.log.info(`${said}: it comes again in ${wait.delayMs} ms`, { status: posted.status })
    return wait
  }

  async function post(message: RelayMessage, { url, keys, headers }: CheckedEndpoint, { signal }: RelayContext) {
    const body = Buffer.from(message.body)
    const timestamp = Math.floor(now().getTime() / 1_000)
    const about = {
      'user-agent': 'postbus',
      ...headers,
      'content-type': message.contentType,
      ...headersOf(message, { prefix: 'ce-', isEncoded: true }),
      ...signedHeaders({ id: message.id, timestamp, body }, keys),
    }
    try {
      return await client.post({ url, headers: about, body, timeoutMs: how.timeoutMs, signal })
    } catch (cause) {
      throw new WebhookError(`${url.origin} returned nothing`, { cause })
    }
  }

  return Object.freeze({ name: 'webhook', send, close: async () => client.close() })
}

const SHOWN_CHARACTERS = 200

/** The path is not shown: in URLs of webhooks it often is a secret. */
function refusal({ url }: CheckedEndpoint, { status, excerpt }: Posted): string {
  const shown = excerpt
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, SHOWN_CHARACTERS)
  const redirect = status >= 300 && status < 400 ? ', and redirects are not followed: change its URL' : ''
  return `${url.origin} returned ${status}${redirect}${shown && `: ${shown}`}`
}
