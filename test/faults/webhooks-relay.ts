/** The relay of `webhooks-under-kills.ts`, for the test and for its workers. */
import { defineRelay, webhookTarget } from '../../src/relay/index.ts'
import { NoteTaken } from '../support/notes.ts'

const SECRET = `whsec_${Buffer.alloc(32, 'a').toString('base64')}`

export function relayTo(url: string) {
  return defineRelay('notes.webhook', {
    on: NoteTaken,
    to: webhookTarget({ endpoint: { url, secret: SECRET }, allowHttp: true, allowPrivateAddresses: true }),
    maxAttempts: 1_000,
    backoff: { initialMs: 20, factor: 1.5, maxMs: 500 },
  })
}
