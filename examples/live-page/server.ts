/**
 * A live page: the server listens to broadcasts and pushes them to every browser that has the page open, by server-sent events.
 *
 * Any process of the application broadcasts a price, in the transaction that changes it. A browser that was away, or whose server lost its
 * connection, gets all prices again.
 */
import { createServer, type ServerResponse } from 'node:http'
import type { Server } from 'node:http'
import type { Bus } from '../../src/index.ts'
import { PAGE } from './page.ts'
import { PriceChanged } from './price-changed.ts'

export interface LivePageParts {
  readonly bus: Bus
  /** Reads the present prices from the database. */
  prices(): Promise<Readonly<Record<string, number>>>
}

/** Resolves when the server hears every broadcast. Closing the server does not close the bus. */
export async function livePage({ bus, prices }: LivePageParts): Promise<Server> {
  const browsers = new Set<ServerResponse>()
  const push = (name: string, data: unknown) => {
    for (const browser of browsers) browser.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
  }
  const stop = await bus.listen(PriceChanged, ({ data }) => push('price', data), {
    onMissed: async () => push('prices', await prices()),
  })

  /** Adds the browser before it sends all prices, so no change between the two is lost. */
  async function stream(response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    browsers.add(response)
    response.on('close', () => browsers.delete(response))
    response.write(`event: prices\ndata: ${JSON.stringify(await prices())}\n\n`)
  }

  const server = createServer((request, response) => {
    if (request.url === '/events') return void stream(response).catch(() => response.destroy())
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(PAGE)
  })
  server.on('close', () => void stop())
  return server
}
