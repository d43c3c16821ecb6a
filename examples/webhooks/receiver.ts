/** The customer's side: an HTTP server that takes signed webhooks. It needs nothing of Postbus, only Standard Webhooks. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

const TOLERANCE_S = 300

export interface Receiver {
  readonly url: string
  close(): Promise<void>
}

/** Calls `take` for each webhook with a valid signature. `take` returns the HTTP status. */
export async function openReceiver(
  secretOf: (path: string) => string | undefined,
  take: (path: string, message: { readonly id: string; readonly body: string }) => number,
): Promise<Receiver> {
  async function statusFor(request: IncomingMessage): Promise<number> {
    const [path, body] = [request.url ?? '', await text(request)]
    const secret = secretOf(path)
    if (secret === undefined) return 404
    if (!isGenuine(secret, request.headers, body)) return 401
    return take(path, { id: String(request.headers['webhook-id']), body })
  }
  const server = createServer((request, response) => {
    void statusFor(request)
      .catch(() => 500)
      .then((status) => response.writeHead(status).end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

/** The signature covers the id, the time and the body, byte for byte. While a secret is changed, the header may hold several signatures. */
function isGenuine(secret: string, headers: IncomingHttpHeaders, body: string): boolean {
  const header = (name: string) => String(headers[`webhook-${name}`])
  const [id, timestamp, signatures] = [header('id'), header('timestamp'), header('signature')] as const
  if (!(Math.abs(Date.now() / 1_000 - Number(timestamp)) <= TOLERANCE_S)) return false // too old, or not a number: may be a replayed request

  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest()
  return signatures
    .split(' ')
    .filter((signature) => signature.startsWith('v1,'))
    .map((signature) => Buffer.from(signature.slice('v1,'.length), 'base64'))
    .some((given) => given.length === expected.length && timingSafeEqual(given, expected))
}
