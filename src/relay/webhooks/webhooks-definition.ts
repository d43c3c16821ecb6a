/** The options of `defineWebhooks`: what an application declares about the webhooks of its customers. */
import { z } from 'zod'
import type { HandlerDefinition } from '../../handlers/handler.ts'
import type { HandlerOptions } from '../../handlers/handler-options.ts'
import type { EventFor, Listening } from '../../handlers/listens-to.ts'
import type { MessageOptions } from '../formats.ts'
import type { WebhookEndpoint } from './endpoint.ts'
import type { CircuitOptions } from './endpoint-circuits.ts'
import { requestOptions, type RequestOptions } from './request-options.ts'
import type { WebhookError } from './webhook-error.ts'

/** Options of the handler that finds the endpoints. */
type FindingOptions<Listens extends Listening> = Pick<
  HandlerDefinition<Listens, unknown>,
  'on' | 'interested' | 'previousNames' | 'backfill' | 'delivery' | 'shards'
>

/** Options of the handler that sends. */
type SendingOptions = Pick<
  HandlerOptions,
  'maxAttempts' | 'backoff' | 'isRetryable' | 'concurrency' | 'queue' | 'priority' | 'rateLimit' | 'onDead'
>

export interface WebhooksDefinition<Listens extends Listening>
  extends FindingOptions<Listens>, SendingOptions, RequestOptions, MessageOptions {
  /** Returns the ids of the endpoints that get an event. It runs in a worker, and may ask your database. */
  readonly endpoints: (event: EventFor<NoInfer<Listens>>) => readonly string[] | Promise<readonly string[]>
  /** Returns an endpoint by its id. Called before each attempt. `null`: it is gone or disabled, and its messages are recorded as skipped. */
  readonly endpoint: (id: string) => WebhookEndpoint | null | Promise<WebhookEndpoint | null>
  /**
   * The order of messages. `'key'`: at each endpoint, events of one partition key are sent one after the other. `'endpoint'`: all events of an
   * endpoint are, so a failing event delays all later ones. `'none'`: no event waits for another. Default: `'key'`.
   */
  readonly order?: 'key' | 'endpoint' | 'none' | undefined
  /** Called when an endpoint returned 410. Disable it, so that `endpoint` returns `null`. Without this, each such event is a dead letter. */
  readonly onGone?: ((id: string) => unknown) | undefined
  /** Called when an endpoint has failed several times in a row and gets no messages for a while. Tell its owner. Each process calls it. */
  readonly onFailing?: ((id: string, error: WebhookError) => unknown) | undefined
  /** When an endpoint gets no messages, and for how long. Default: after 5 failures in a row, for 30 s, doubled up to 15 min. */
  readonly circuit?: Partial<CircuitOptions> | undefined
  /** A message that was not accepted this many milliseconds after its endpoint was found is recorded as expired. Default: never. */
  readonly expiresAfterMs?: number | undefined
}

const aFunction = <Called>() => z.custom<Called>((given) => typeof given === 'function', 'expected a function')
const milliseconds = z.int().min(1).max(86_400_000)

/** These options are checked where they are used. */
const elsewhere = z.unknown().optional()
const finding = { on: elsewhere, interested: elsewhere, previousNames: elsewhere, backfill: elsewhere }
const reading = { delivery: elsewhere, shards: elsewhere }
const sending = { maxAttempts: elsewhere, backoff: elsewhere, isRetryable: elsewhere, onDead: elsewhere }
const pace = { concurrency: elsewhere, queue: elsewhere, priority: elsewhere, rateLimit: elsewhere }
const messages = { format: elsewhere, data: elsewhere, codecs: elsewhere }
const attributes = { source: elsewhere, type: elsewhere, dataSchema: elsewhere, extensions: elsewhere }

export const webhooksOptions = z.strictObject({
  ...finding,
  ...reading,
  ...sending,
  ...pace,
  ...messages,
  ...attributes,
  ...requestOptions,
  endpoints: aFunction<(event: never) => readonly string[] | Promise<readonly string[]>>(),
  endpoint: aFunction<WebhooksDefinition<Listening>['endpoint']>(),
  order: z.enum(['key', 'endpoint', 'none']).default('key'),
  onGone: aFunction<(id: string) => unknown>().optional(),
  onFailing: aFunction<(id: string, error: WebhookError) => unknown>().optional(),
  circuit: z
    .strictObject({
      failures: z.int().min(1).max(1_000).default(5),
      pauseMs: milliseconds.default(30_000),
      maxPauseMs: milliseconds.default(900_000),
    })
    .prefault({}),
  expiresAfterMs: z.int().min(1_000).optional(),
})
