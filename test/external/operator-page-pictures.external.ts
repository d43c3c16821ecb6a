/** The pictures of docs/images: POSTBUS_PICTURES=1 npm run test:external -- pictures */
import { statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWatchedShop, type WatchedShop } from '../support/watched-shop.ts'

const IMAGES = resolve(import.meta.dirname, '../../docs/images')
const MOST_BYTES = 60 * 1024
const areWanted = process.env['POSTBUS_PICTURES'] !== undefined
let shop: WatchedShop

beforeAll(async () => {
  if (areWanted) shop = await openWatchedShop()
})

afterAll(() => shop?.close())

test.runIf(areWanted)('each page has a picture, and no picture is large', async () => {
  await mkdir(IMAGES, { recursive: true })
  const pictures = [
    ['now', '/', 'light'],
    ['now-dark', '/', 'dark'],
    ['events', '/events', 'light'],
    ['event', `/events/${await shop.idOf('order-4712')}`, 'light'],
    ['handlers', '/handlers', 'light'],
    ['lane', '/lanes/show?handler=stock.reserve&key=order-4713', 'light'],
    ['dead-letters', '/dead-letters', 'light'],
    ['retry', '/do/retry-dead-letters?handler=mail.receipt&error=ECONNREFUSED', 'light'],
  ] as const

  for (const [name, path, colorScheme] of pictures) {
    const page = await shop.open({ colorScheme, viewport: { width: 900, height: 460 } })
    await page.goto(shop.addressOf(path))
    if (path === '/') await page.getByText('bus.doctor()').waitFor() // the doctor runs in the background
    const file = `${IMAGES}/operator-page-${name}.png`
    await page.screenshot({ path: file })
    expect(statSync(file).size, file).toBeLessThan(MOST_BYTES)
  }
})
