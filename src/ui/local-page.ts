/**
 * The operator page for the person at this machine: a server on 127.0.0.1 and a secret in the link to it. The first request exchanges the
 * secret for a cookie. A redirect then removes the secret from the address, so that no history and no screenshot contains it.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Bus } from '../bus.ts'
import { plainPage } from './layout/plain-page.ts'
import { nodeHandler } from './node-handler.ts'
import { operatorPage } from './operator-page.ts'

export interface LocalPageOptions {
  /** The port to listen on. 0 stands for a free port. */
  readonly port: number
  /** The address to listen at. Default: 127.0.0.1. With any other address too, the page only opens as `localhost`, `127.0.0.1` or `[::1]`. */
  readonly host?: string
  /** Everything is shown, and nothing can be done. */
  readonly isReadOnly: boolean
  /** Who acts: recorded with every act. */
  readonly by: string
}

export interface LocalPage {
  /** The link to open; it contains the secret. */
  readonly link: string
  close(): Promise<void>
}

const HOST = '127.0.0.1'
const NAMES = ['localhost', HOST, '[::1]']
const FIELD = 'secret'

/** Rejects with Node's own error when the port is taken. */
export async function openLocalPage(
  bus: Bus,
  { port: asked, host = HOST, isReadOnly, by }: LocalPageOptions,
): Promise<LocalPage> {
  const secret = randomBytes(32).toString('base64url')
  const page = operatorPage(bus, { access: () => ({ level: isReadOnly ? 'read' : 'all', by, showData: true }) })
  const server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo
    const fetch = async (one: Request) => refusalOf(one, { secret, port }) ?? page.fetch(one)
    void nodeHandler({ fetch })(request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(asked, host, resolve)
  })
  const { port } = server.address() as AddressInfo
  return Object.freeze({
    link: `http://${HOST}:${port}/?${FIELD}=${secret}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  })
}

interface Door {
  readonly secret: string
  readonly port: number
}

/**
 * `null`: the request may come in. A host name of another site that leads to this machine (DNS rebinding) is refused before anything else: the
 * browser would treat this page as a page of that site, and would let the scripts of that site read the response.
 */
function refusalOf(request: Request, { secret, port }: Door): Response | null {
  const url = new URL(request.url)
  if (!NAMES.includes(url.hostname) || (url.port || '80') !== String(port)) {
    return plainPage(
      421,
      'Not here',
      'This page is only for this machine: open the link that <code>postbus ui</code> has printed.',
    )
  }
  const cookie = `postbus_ui_${port}` // browsers share cookies between ports
  const given = url.searchParams.get(FIELD)
  if (given === null) return isSame(cookieOf(request, cookie), secret) ? null : locked(401)
  if (request.method !== 'GET' || !isSame(given, secret)) return locked(403)
  url.searchParams.delete(FIELD)
  const headers = {
    location: url.pathname + url.search,
    'set-cookie': `${cookie}=${secret}; Path=/; HttpOnly; SameSite=Strict`,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  }
  return new Response(null, { status: 303, headers })
}

function locked(status: 401 | 403): Response {
  return plainPage(
    status,
    'Locked',
    'Open the link that <code>postbus ui</code> has printed. Each start makes a new one.',
  )
}

function cookieOf(request: Request, name: string): string {
  const cookies = (request.headers.get('cookie') ?? '').split(/;\s*/)
  return cookies.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1) ?? ''
}

/** Takes the same time for every given text. */
function isSame(given: string, secret: string): boolean {
  const [one, other] = [given, secret].map((text) => createHash('sha256').update(text).digest())
  return one !== undefined && other !== undefined && timingSafeEqual(one, other)
}
