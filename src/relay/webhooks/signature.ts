/**
 * Signatures of webhooks, by Standard Webhooks 1.0: HMAC-SHA256 over the id, the time and the body. While a secret is being changed there are two
 * secrets, and a message carries one signature for each.
 */
import { createHmac } from 'node:crypto'
import { PostbusError } from '../../errors.ts'

/** `whsec_` and 24 to 64 random bytes in base64. */
const SECRET = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?)$/

export interface SignedContent {
  readonly id: string
  /** When this attempt is made, in seconds since 1970. */
  readonly timestamp: number
  readonly body: Uint8Array
}

/** The headers that say who sent a message, and when. */
export function signedHeaders({ id, timestamp, body }: SignedContent, keys: readonly Buffer[]): Record<string, string> {
  const signatures = keys.map((key) => {
    const hmac = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body)
    return `v1,${hmac.digest('base64')}`
  })
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signatures.join(' ') }
}

/**
 * Decodes secrets into keys. No error shows a secret.
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when a secret is malformed, or there is none.
 */
export function keysOf(secret: string | readonly string[]): readonly Buffer[] {
  const secrets = typeof secret === 'string' ? [secret] : secret
  if (!Array.isArray(secrets) || secrets.length === 0) throw invalid('expected a secret, or a list with at least one')
  return secrets.map(keyOf)
}

function keyOf(secret: unknown): Buffer {
  const [, base64] = (typeof secret === 'string' && SECRET.exec(secret)) || []
  if (base64 === undefined) throw invalid('expected `whsec_` and base64')
  const key = Buffer.from(base64, 'base64')
  if (key.length >= 24 && key.length <= 64) return key
  throw invalid(`expected 24 to 64 bytes in base64 behind \`whsec_\`, but there are ${key.length}`)
}

function invalid(problem: string): PostbusError {
  const mend = 'Make one by `whsec_` and the output of: openssl rand -base64 32'
  return new PostbusError('POSTBUS_INVALID_OPTIONS', `The secret of a webhook: ${problem}. ${mend}.`)
}
