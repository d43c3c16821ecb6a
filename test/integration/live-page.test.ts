/** The example of a live page: broadcasts reach the browsers, and after a gap the browsers get all prices again. */
import type { AddressInfo } from 'node:net'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { livePage } from '../../examples/live-page/server.ts'
import { PriceChanged } from '../../examples/live-page/price-changed.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { anotherBus } from '../support/notes.ts'
import { cutOne } from '../support/listening.ts'
import { until } from '../support/until.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus()
  return () => opened.close()
})

test('every browser gets a price that another process has changed, and all prices after a gap', async () => {
  const prices: Record<string, number> = { tea: 300 }
  const server = await livePage({ bus: opened.bus, prices: async () => ({ ...prices }) })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => server.closeAllConnections())
  onTestFinished(() => void server.close())
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const shopkeeper = anotherBus(opened, [])
  onTestFinished(() => shopkeeper.close())
  const browsers = [await aBrowser(address), await aBrowser(address)]
  for (const { seen } of browsers) await until('it has the prices', () => seen().includes('{"tea":300}'))

  prices['tea'] = 310
  await shopkeeper.broadcast(PriceChanged({ productId: 'tea', cents: 310 }))
  for (const { seen } of browsers) await until('it has heard', () => seen().includes('"cents":310'))
  prices['tea'] = 320
  await cutOne(opened)
  for (const { seen } of browsers) await until('it has all again', () => seen().includes('{"tea":320}'))

  expect(browsers[0]!.seen()).toBe(
    'event: prices\ndata: {"tea":300}\n\n' +
      'event: price\ndata: {"productId":"tea","cents":310}\n\n' +
      'event: prices\ndata: {"tea":320}\n\n',
  )
  expect(await (await fetch(address)).text()).toContain('new EventSource')
})

async function aBrowser(address: string) {
  const { body, headers } = await fetch(`${address}/events`)
  expect(headers.get('content-type')).toBe('text/event-stream')
  let text = ''
  void (async () => {
    for await (const chunk of body!.pipeThrough(new TextDecoderStream())) text += chunk
  })().catch(() => undefined) // the server ends the response
  return { seen: () => text }
}
