/** A shop in trouble whose operator page is looked at in a real Chromium: installed as `chromium`, or named by CHROMIUM. */
import { chromium, type BrowserContextOptions, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { defineSchedule, type Bus } from '../../src/index.ts'
import { openLocalPage } from '../../src/ui/local-page.ts'
import { openTestBus } from './bus.ts'
import { handlersIn, OrderPlaced, PageViewed, type Trouble } from './stage-for-operators.ts'
import { until } from './until.ts'

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const ARGUMENTS =
  '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'

export interface WatchedShop {
  readonly bus: Bus
  readonly trouble: Trouble
  /** What went wrong in the browser: dialogs, and errors in the console, including errors of the content security policy. */
  readonly complaints: string[]
  /** A browser of its own that has opened the link, as `postbus ui` prints it. */
  open(options?: BrowserContextOptions): Promise<Page>
  addressOf(path: string): string
  idOf(partitionKey: string): Promise<string>
  /** Addresses of pages of each kind, including the pages that come before an act. */
  everyPath(): Promise<readonly string[]>
  close(): Promise<void>
}

export async function openWatchedShop(): Promise<WatchedShop> {
  const trouble = { isMailDown: false, isStockWrong: false }
  const event = () => OrderPlaced({ order: 'nightly' })
  const nightly = defineSchedule('orders.nightly', { cron: '0 3 * * *', event })
  const shop = await openTestBus({ handlers: handlersIn(trouble), schedules: [nightly], onSignal: () => undefined })
  const operator = await openLocalPage(shop.bus, { port: 0, isReadOnly: false, by: 'anna' })
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS.split(' ') })
  const worker = shop.bus.worker({ pollMs: 200 })
  const complaints: string[] = []
  await worker.start()
  await stage(shop.bus, trouble)
  Object.assign(trouble, { isMailDown: false, isStockWrong: false })

  async function idOf(partitionKey: string): Promise<string> {
    const { events } = await shop.bus.events.list({ partitionKey, limit: 1 })
    return events[0]?.id ?? ''
  }

  return {
    bus: shop.bus,
    trouble,
    complaints,
    idOf,
    addressOf: (path) => new URL(path, operator.link).href,
    everyPath: async () => pathsFor(await idOf('order-4712')),
    async open(options = {}) {
      const context = await browser.newContext(options)
      onTestFinished(() => context.close())
      const page = await context.newPage()
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
      page.on('pageerror', (error) => complaints.push(String(error)))
      page.on('dialog', (dialog) => {
        complaints.push(`a dialog: ${dialog.message()}`)
        void dialog.dismiss()
      })
      await page.goto(operator.link)
      return page
    },
    async close() {
      await browser.close()
      await worker.stop()
      await operator.close()
      await shop.close()
    },
  }
}

/** Orders that went well, receipts that died, and a key that is blocked with others behind it. */
async function stage(bus: Bus, trouble: Trouble): Promise<void> {
  const died = (count: number) => until(`${count} are dead`, async () => (await bus.deadLetters.count()) === count)
  const orders = Array.from({ length: 9 }, (_, n) => OrderPlaced({ order: String(4700 + n) }))
  await bus.publish([...orders, ...['/', '/shoes', '/cart'].map((page) => PageViewed({ page }))])
  await until('all went well', async () => (await bus.events.count({ state: 'unfinished' })) === 0)
  trouble.isMailDown = true
  await bus.publish(OrderPlaced({ order: '4711' }, { correlationId: 'visit-17', metadata: { tenant: 'north' } }))
  await bus.publish(OrderPlaced({ order: '4712' }))
  await died(2)
  Object.assign(trouble, { isMailDown: false, isStockWrong: true })
  await bus.publish(OrderPlaced({ order: '4713' }))
  await died(3)
  await bus.publish([OrderPlaced({ order: '4713' }), OrderPlaced({ order: '4713' })])
}

function pathsFor(id: string): readonly string[] {
  const lane = 'handler=stock.reserve&key=order-4713'
  const lists = ['/', '/events', '/events?state=dead', '/handlers', '/lanes', '/dead-letters', '/schedules', '/replays']
  const single = ['/acts', '/handlers/mail.receipt', `/events/${id}`, `/lanes/show?${lane}`]
  const acts = ['/do/retry-dead-letters?all=yes', `/do/retry-head?${lane}`, `/do/redact-event?id=${id}`]
  return [
    ...lists,
    ...single,
    ...acts,
    '/do/pause?handler=mail.receipt',
    `/do/replay-event?id=${id}&handler=mail.receipt`,
  ]
}
