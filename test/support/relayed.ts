/** One event through a relay that sends webhooks, to a server that returns what the test says. No database is needed. */
import { onTestFinished } from 'vitest'
import type { Envelope } from '../../src/index.ts'
import { defineRelay, webhookTarget, type MessageOptions, type WebhookOptions } from '../../src/relay/index.ts'
import { runEvent } from '../../src/testing/index.ts'
import { NoteTaken } from './notes.ts'
import { aWebhookServer, LOCAL, SECRET, type Responding } from './webhook-server.ts'

interface Answered extends MessageOptions {
  readonly timeoutMs?: number
  readonly onGone?: WebhookOptions['onGone']
}

/** Sends one event to a server that responds as `respond` does. */
export async function relayed(
  respond: Responding,
  endpoint: { readonly secret?: readonly string[] } = {},
  { timeoutMs, onGone, ...how }: Answered = {},
  event = NoteTaken({ n: 1, key: 'key ä' }),
) {
  const server = await aWebhookServer(respond)
  const relay = aRelay(
    {
      endpoint: { url: `${server.url}?a=1`, secret: SECRET, headers: { 'X-Tenant': 'acme' }, ...endpoint },
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(onGone && { onGone }),
    },
    how,
  )
  return { sent: await runEvent(relay, event), event: event as Envelope, server }
}

export function aRelay(options: WebhookOptions, how: MessageOptions = {}) {
  const to = webhookTarget({ ...LOCAL, ...options })
  onTestFinished(async () => to.close?.())
  return defineRelay('notes.send', { on: NoteTaken, to, ...how })
}
