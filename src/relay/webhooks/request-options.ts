/** How requests of webhooks are made. */
import { z } from 'zod'

export interface RequestOptions {
  /** How long an endpoint has to return a status. After that, the attempt has failed. Default: 15,000. */
  readonly timeoutMs?: number | undefined
  /** Whether URLs may begin with `http:`. Default: `false`. */
  readonly allowHttp?: boolean | undefined
  /** Whether webhooks may go to your own network. Leave it `false` where customers choose URLs. Default: `false`. */
  readonly allowPrivateAddresses?: boolean | undefined
  /** The longest wait that a `Retry-After` can ask for. A longer one is shortened to this. Default: an hour. */
  readonly maxRetryAfterMs?: number | undefined
}

export const requestOptions = {
  timeoutMs: z.int().min(1).max(600_000).default(15_000),
  allowHttp: z.boolean().default(false),
  allowPrivateAddresses: z.boolean().default(false),
  maxRetryAfterMs: z.int().min(1_000).max(86_400_000).default(3_600_000),
}
