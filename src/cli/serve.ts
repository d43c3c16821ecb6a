/** Serves a web `fetch` handler over HTTP, with Node's own server. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PostbusError } from '../errors.ts'
import { UsageError } from './command.ts'

export interface Served {
  /** The URL at which it is served. */
  readonly url: string
  close(): void
}

export interface Place {
  readonly port: number
  /** `undefined`: every address of the machine. */
  readonly host: string | undefined
}

/** @throws {PostbusError} `POSTBUS_PORT_IN_USE`. @throws {UsageError} when the host or port cannot be used. */
export async function serve(handler: (request: Request) => Promise<Response>, { port, host }: Place): Promise<Served> {
  const server = createServer((request, response) => void answer(handler, request, response))
  server.listen({ port, ...(host !== undefined && { host }) })
  await once(server, 'listening').catch((error: unknown) => {
    throw refusedPlace(error, { port, host })
  })
  const { port: given } = server.address() as AddressInfo // it listens on a port
  return {
    url: `http://${host === undefined ? 'localhost' : inUrl(host)}:${given}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Reads a port; 0 means any free port. */
export function portOf(option: string, given: string): number {
  if (/^\d{1,5}$/.test(given) && Number(given) <= 65_535) return Number(given)
  throw new UsageError(`${option} ${given}: expected a port, such as 9465.`)
}

async function answer(
  handler: (request: Request) => Promise<Response>,
  { method = 'GET', url = '/' }: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  try {
    // The body is left out, because no handler here reads it.
    const response = await handler(new Request(new URL(url, 'http://localhost'), { method }))
    outgoing.writeHead(response.status, Object.fromEntries(response.headers))
    outgoing.end(Buffer.from(await response.arrayBuffer()))
  } catch {
    outgoing.writeHead(400).end() // no `Request` can be made from such a URL or method
  }
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

function refusedPlace(error: unknown, { port, host = '' }: Place): unknown {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'EADDRINUSE') {
    const mend = 'Stop what listens there, or choose another port'
    return new PostbusError('POSTBUS_PORT_IN_USE', `Port ${port} is in use. ${mend}; 0 is one that is free.`, {
      cause: error,
    })
  }
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return new UsageError(`Cannot listen on ${host === '' ? '' : `${inUrl(host)}:`}${port}: ${code}.`)
  return error
}
