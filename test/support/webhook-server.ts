/** A real HTTP server that takes webhooks, for tests: it keeps what it was sent, and returns what the test says. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

export interface ReceivedWebhook {
  readonly path: string
  readonly method: string
  readonly headers: Record<string, string>
  readonly body: string
  /** The port of the sender's end of the connection. Another port means another connection. */
  readonly connection: number
}

export type Responding = (received: ReceivedWebhook, response: ServerResponse, request: IncomingMessage) => void

export interface WebhookServer {
  readonly url: string
  readonly port: number
  readonly received: readonly ReceivedWebhook[]
  close(): Promise<void>
}

export const SECRET = `whsec_${Buffer.alloc(32, 'a').toString('base64')}`
export const OLD_SECRET = `whsec_${Buffer.alloc(24, 'b').toString('base64')}`

/** Options that allow requests to a server on this machine. */
export const LOCAL = { allowHttp: true, allowPrivateAddresses: true } as const

export async function openWebhookServer(
  respond: Responding = (_, response) => response.end(),
  port = 0,
): Promise<WebhookServer> {
  const received: ReceivedWebhook[] = []
  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request)
    const { url: path = '', method = '', headers } = request
    const connection = request.socket.remotePort ?? 0
    const one = { path, method, headers: headers as Record<string, string>, body: body.toString(), connection }
    received.push(one)
    respond(one, response, request)
  }
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    void take(request, response).catch(() => undefined) // the sender has gone
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${bound}/hook`,
    port: bound,
    received,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

/** For one test. */
export async function aWebhookServer(respond?: Responding): Promise<WebhookServer> {
  const server = await openWebhookServer(respond)
  onTestFinished(() => server.close())
  return server
}

export function status(code: number, headers: Record<string, string> = {}, body = ''): Responding {
  return (_, response) => response.writeHead(code, headers).end(body)
}
