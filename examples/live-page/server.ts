/**
 * A live page: the server listens to broadcasts and pushes them to every browser that has the page open, by server-sent events.
 *
 * Any process of the application broadcasts a price, in the transaction that changes it. A browser that was away, or whose server lost
 * its connection, reads all prices again.
 */
import { createServer, type ServerResponse } from 'node:http'
import type { Server } from 'node:http'
import type { Bus } from '../../src/index.ts'
import { PAGE } from './page.ts'
import { PriceChanged } from './price-changed.ts'

export interface LivePageParts {
  readonly bus: Bus
  /** What stands in the database now. */
  prices(): Promise<Readonly<Record<string, number>>>
}

/** Resolves when everything is heard. Closing the server does not close the bus. */
export async function livePage({ bus, prices }: LivePageParts): Promise<Server> {
  const browsers = new Set<ServerResponse>()
  const push = (name: string, data: unknown) => {
    for (const browser of browsers) browser.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
  }
  const stop = await bus.listen(PriceChanged, ({ data }) => push('price', data), {
    onMissed: async () => push('prices', await prices()),
  })

  /** First the browser hears, and then it gets what is there: nothing falls in between. */
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
