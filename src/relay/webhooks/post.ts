/** One POST over HTTP, for webhooks: with a deadline, without redirects, and reading only the beginning of the response. */
import * as http from 'node:http'
import * as https from 'node:https'
import { clearTimeout, setTimeout } from '../../clock.ts'
import { isError } from '../../realm.ts'
import { addressIn, isPublicAddress, lookupPublic, notPublic } from './public-addresses.ts'

export interface Post {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export interface Posted {
  readonly status: number
  readonly retryAfter: string | null
  /** The beginning of the body. Empty if the status is 2xx. */
  readonly excerpt: string
}

export interface PostClient {
  /** Rejects when there was no response. */
  post(post: Post): Promise<Posted>
  close(): void
}

/** How much is kept of the body of a response that is not 2xx. */
const EXCERPT_BYTES = 1_024
/** How much of any body is read, so that the connection can be used again. A longer body costs a new connection. */
const MAX_DRAINED_BYTES = 65_536

/** Keeps connections for the next message, in its own pools: a connection from a pool of the application could lead to a refused host. */
export function postClient({ allowPrivateAddresses }: { readonly allowPrivateAddresses: boolean }): PostClient {
  const agents = { 'http:': new http.Agent({ keepAlive: true }), 'https:': new https.Agent({ keepAlive: true }) }

  async function post(given: Post): Promise<Posted> {
    const address = addressIn(given.url.hostname)
    if (!allowPrivateAddresses && address !== null && !isPublicAddress(address)) throw notPublic(given.url.hostname)
    try {
      return await once(given)
    } catch (error) {
      // The server had closed the kept connection before it read anything. This is not a failure of the endpoint.
      if (isError(error) && 'isStale' in error) return once(given)
      throw error
    }
  }

  function once({ url, headers, body, timeoutMs, signal }: Post): Promise<Posted> {
    const { promise, resolve, reject } = Promise.withResolvers<Posted>()
    const secure = url.protocol === 'https:'
    const outgoing = (secure ? https : http).request(url, {
      method: 'POST',
      agent: agents[secure ? 'https:' : 'http:'],
      headers: { ...headers, 'content-length': String(body.byteLength) },
      ...(!allowPrivateAddresses && { lookup: lookupPublic }),
    })
    const giveUp = (why: string) => outgoing.destroy(new Error(why))
    const abort = () => giveUp('the attempt was aborted')
    const timer = setTimeout(() => giveUp(`no answer within ${timeoutMs} ms`), timeoutMs)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()

    outgoing.on('error', (error) => reject(outgoing.reusedSocket && isReset(error) ? stale(error) : error))
    outgoing.on('response', (response) => void read(response).then(resolve, reject))
    outgoing.on('close', () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    })
    outgoing.end(body)
    return promise
  }

  return {
    post,
    close() {
      for (const agent of Object.values(agents)) agent.destroy()
    },
  }
}

/** With a status of 2xx the body does not matter: it is read in the background. */
async function read(response: http.IncomingMessage): Promise<Posted> {
  const { statusCode: status = 0, headers } = response
  const isTaken = status >= 200 && status < 300
  const excerpt = isTaken ? drain(response) : await beginningOf(response)
  return { status, retryAfter: headers['retry-after'] ?? null, excerpt }
}

function drain(response: http.IncomingMessage): string {
  let bytes = 0
  response.on('error', () => undefined)
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > MAX_DRAINED_BYTES) response.destroy()
  })
  return ''
}

/** Resolves when the body ends, when enough of it is read, or when the connection closes. */
function beginningOf(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  return new Promise((resolve) => {
    const end = () => resolve(Buffer.concat(chunks).subarray(0, EXCERPT_BYTES).toString('utf8'))
    response.on('data', (chunk: Buffer) => {
      if (bytes < EXCERPT_BYTES) chunks.push(chunk)
      bytes += chunk.length
      if (bytes >= EXCERPT_BYTES) end()
      if (bytes > MAX_DRAINED_BYTES) response.destroy()
    })
    response.on('end', end)
    response.on('error', end)
    response.on('close', end)
  })
}

function isReset(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ECONNRESET' || error.code === 'EPIPE'
}

function stale(error: Error): Error {
  return Object.assign(error, { isStale: true })
}
