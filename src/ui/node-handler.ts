/**
 * Serves the operator page in servers that use Node's own requests and responses: `node:http`, Express, Nest, Fastify. A body that a parser
 * of the application has already read is put together again, so that the page also works behind `express.urlencoded()`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { plainPage } from './layout/plain-page.ts'
import type { OperatorPage } from './operator-page.ts'

/** The fields that frameworks add to Node's request. */
interface FrameworkRequest extends IncomingMessage {
  /** The whole path, where a router has removed its own part of it from `url`. */
  readonly originalUrl?: string
  /** The protocol that the browser used, if the application trusts its proxy. */
  readonly protocol?: string
  readonly body?: unknown
  readonly rawBody?: unknown
}

export type NodeHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => Promise<void>

const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i

/**
 * Makes a handler of Node's requests and responses from the page. It never rejects: an error that `access` throws goes to `next`. If there is no
 * `next`, the error is printed as a warning of the process, and the browser gets a page with status 500.
 *
 * @example
 * const page = operatorPage(bus, { access, basePath: '/ops' })
 * app.use('/ops', nodeHandler(page)) // Express
 * createServer(nodeHandler(page)) // node:http
 */
export function nodeHandler(page: Pick<OperatorPage, 'fetch'>): NodeHandler {
  return async (incoming, response, next) => {
    try {
      const request = requestOf(incoming)
      await send(response, request === null ? plainPage(400, 'Bad request', '') : await page.fetch(request), incoming)
    } catch (error) {
      if (next) return next(error)
      process.emitWarning(error instanceof Error ? error : new Error(String(error)))
      if (response.headersSent) response.destroy()
      else await send(response, plainPage(500, 'Something went wrong', 'See the log of the service.'), incoming)
    }
  }
}

/** `null`: no browser would send such a request. */
function requestOf(incoming: FrameworkRequest): Request | null {
  const path = incoming.originalUrl ?? incoming.url ?? ''
  const host = incoming.headers.host ?? ''
  if (!path.startsWith('/') || !HOST.test(host)) return null
  const method = incoming.method ?? 'GET'
  const body = method === 'GET' || method === 'HEAD' ? null : bodyOf(incoming)
  const isPlain = /^[A-Z]+$/.test(method) && method !== 'CONNECT' && method !== 'TRACE'
  if (!isPlain) return null
  return new Request(`${schemeOf(incoming)}://${host}${path}`, {
    method,
    headers: headersOf(incoming),
    body,
    ...(body instanceof ReadableStream && { duplex: 'half' }),
  })
}

function schemeOf({ protocol, socket }: FrameworkRequest): 'http' | 'https' {
  if (protocol === 'http' || protocol === 'https') return protocol
  return 'encrypted' in socket && socket.encrypted === true ? 'https' : 'http'
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2)
    if (!name.startsWith(':')) headers.append(name, value) // names with a colon belong to HTTP/2 itself
  }
  return headers
}

/** A parser may have read the stream to its end. Then the body is made from what the parser has stored. */
function bodyOf(
  incoming: FrameworkRequest,
): ReadableStream | Uint8Array<ArrayBuffer> | URLSearchParams | string | null {
  const { rawBody, body } = incoming
  if (rawBody instanceof Uint8Array) return new Uint8Array(rawBody)
  if (!incoming.readableDidRead) return Readable.toWeb(incoming) as ReadableStream
  if (body instanceof Uint8Array) return new Uint8Array(body)
  if (typeof body === 'string') return body
  return typeof body === 'object' && body !== null ? new URLSearchParams(fieldsOf(body)) : null
}

/** A field that is there several times is a list. Some parsers make it an object with numbers as names. */
function fieldsOf(body: object): [string, string][] {
  return Object.entries(body).flatMap(([name, value]: [string, unknown]) => {
    const values = typeof value === 'object' && value !== null ? Object.values(value) : [value]
    return values.map((one): [string, string] => [name, typeof one === 'string' ? one : ''])
  })
}

async function send(response: ServerResponse, answer: Response, { method }: IncomingMessage): Promise<void> {
  response.statusCode = answer.status
  for (const [name, value] of answer.headers) if (name !== 'set-cookie') response.setHeader(name, value)
  const cookies = answer.headers.getSetCookie()
  if (cookies.length > 0) response.appendHeader('set-cookie', cookies)
  const body = method === 'HEAD' ? undefined : new Uint8Array(await answer.arrayBuffer())
  await new Promise<void>((resolve) => {
    response.once('close', resolve)
    response.end(body, () => resolve())
  })
}
