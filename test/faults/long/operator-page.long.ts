/**
 * With a million events, each page of the operator page loads in 200 ms and has less than 100 KB. Each page is requested six times,
 * with other parameters each time. The first request, which also warms up the connection, is printed but does not count.
 */
import { beforeAll, expect, test } from 'vitest'
import { HANDLERS, indexRecord, writeLongRecord } from '../../../bench/long-record.ts'
import { OrderChanged } from '../../../bench/contestants/postbus.ts'
import { orderOf } from '../../../bench/order.ts'
import { defineHandler, defineSchedule } from '../../../src/index.ts'
import { operatorPage } from '../../../src/ui/index.ts'
import { PAGES } from '../../../src/ui/pages.ts'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { drained } from '../../support/drained.ts'
import { writeDeadLetters } from '../../support/many-dead-letters.ts'

const EVENTS = Number(process.env['POSTBUS_EVENTS'] ?? 1_000_000)
const DEAD = 20_000
const BLOCKED = 1_000
const TURNS = 6
const MOST_MS = 200
const MOST_BYTES = 100 * 1024

const receivers = Array.from({ length: HANDLERS }, (_, n) =>
  defineHandler(`bench.receiver-${n + 1}`, { on: ['shop.*', 'bench.*'], handle: () => undefined }),
)
const blocking = defineHandler('stock.reserve', {
  on: OrderChanged,
  maxAttempts: 1,
  onDead: 'block',
  handle: () => Promise.reject(new TypeError('no such article')),
})
const nightly = defineSchedule('shop.nightly', { cron: '0 3 * * *', event: () => OrderChanged(orderOf('nightly', 0)) })

let shop: TestBus
let ids: readonly string[] = []

beforeAll(async () => {
  const handlers = [...receivers, blocking]
  shop = await openTestBus({ handlers, schedules: [nightly], onSignal: () => undefined }, { ownServer: true })
  const blocked = Array.from({ length: BLOCKED }, (_, n) => OrderChanged(orderOf(`key ${n}`, n)))
  await shop.bus.publish(blocked)
  await drained(shop.bus)
  await writeLongRecord(shop.connectionString, EVENTS)
  await writeDeadLetters(shop.database, { count: DEAD, handler: 'bench.receiver-1', type: 'shop.type-1' })
  await shop.bus.publish(blocked.slice(0, BLOCKED / 2)) // these wait behind the blocked events
  const { rows } = await shop.database.query<{ id: string }>(
    'select id from postbus.event where seq % $1 = 7 limit 100',
    [Math.max(1, Math.floor(EVENTS / 100))],
  )
  ids = rows.map(({ id }) => id)
  await indexRecord(shop.connectionString)
  return () => shop.close()
}, 40 * 60_000)

/** The addresses that are requested in turn `n`, by page: at least one for each. */
const ADDRESSES: Readonly<Record<string, readonly ((n: number) => string)[]>> = {
  '/': [() => '/'],
  '/events': [
    () => '/events',
    (n) => `/events?type=shop.type-${n}`,
    (n) => `/events?type=shop.type-1${n}*`,
    (n) => `/events?key=key+${n * 97}`,
    (n) => `/events?correlation=visit+${n * 61}`,
    (n) => `/events?handler=bench.receiver-${(n % HANDLERS) + 1}`,
    (n) => `/events?since=${day(n + 1)}&until=${day(n)}`,
    () => '/events?state=dead',
    () => '/events?state=unfinished',
    () => '/events?state=unfinished&handler=stock.reserve',
  ],
  '/events/:id': [(n) => `/events/${ids[n]}`],
  '/find': [(n) => `/find?for=${ids[n]}`, (n) => `/find?for=key+${n * 97}`, (n) => `/find?for=visit+${n * 61}`],
  '/handlers': [() => '/handlers'],
  '/handlers/:name': [(n) => `/handlers/bench.receiver-${(n % HANDLERS) + 1}`, () => '/handlers/stock.reserve'],
  '/lanes': [() => '/lanes', () => '/lanes?handler=stock.reserve', () => '/lanes?state=blocked'],
  '/lanes/show': [(n) => `/lanes/show?handler=stock.reserve&key=key+${n}`],
  '/dead-letters': [
    () => '/dead-letters',
    () => '/dead-letters?handler=bench.receiver-1',
    () => '/dead-letters?error=TypeError',
    () => '/dead-letters?type=shop.type-1',
  ],
  '/schedules': [() => '/schedules'],
  '/replays': [() => '/replays'],
  '/acts': [() => '/acts'],
  '/do/retry-dead-letters': [() => '/do/retry-dead-letters?handler=bench.receiver-1'],
  '/do/dismiss-dead-letters': [() => '/do/dismiss-dead-letters?all=yes'],
  '/do/retry-blocked': [() => '/do/retry-blocked?handler=stock.reserve'],
}

test(`with ${EVENTS.toLocaleString('en')} events, each page is there in ${MOST_MS} ms and below 100 KB`, async () => {
  const page = operatorPage(shop.bus, { access: () => 'all' })
  const figures: Figure[] = []
  for (const addresses of Object.values(ADDRESSES)) {
    for (const addressOf of addresses) figures.push(await figureOf(page.fetch.bind(page), addressOf))
  }

  console.log(figures.map(lineOf).join('\n'))
  expect(PAGES.map(([path]) => path).filter((path) => !(path in ADDRESSES))).toEqual([])
  expect(figures.filter(({ status }) => status !== 200 && status !== 303).map(lineOf)).toEqual([])
  expect(figures.filter(({ bytes }) => bytes > MOST_BYTES).map(lineOf)).toEqual([])
  expect(figures.filter(({ median }) => median > MOST_MS).map(lineOf)).toEqual([])
})

interface Figure {
  readonly address: string
  readonly status: number
  readonly first: number
  readonly median: number
  readonly slowest: number
  readonly bytes: number
}

async function figureOf(
  fetch: (request: Request) => Promise<Response>,
  addressOf: (n: number) => string,
): Promise<Figure> {
  const times: number[] = []
  let [status, bytes] = [200, 0]
  for (let turn = 0; turn < TURNS; turn += 1) {
    const before = performance.now()
    const response = await fetch(new Request(`https://shop.example${addressOf(turn)}`))
    bytes = Math.max(bytes, Buffer.byteLength(await response.text()))
    times.push(performance.now() - before)
    if (status === 200) ({ status } = response)
  }
  const [first = 0, ...others] = times
  const sorted = others.toSorted((one, other) => one - other)
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0
  return { address: addressOf(0), status, first, median, slowest: sorted.at(-1) ?? 0, bytes }
}

function lineOf({ address, status, first, median, slowest, bytes }: Figure): string {
  const ms = (value: number) => value.toFixed(0).padStart(6)
  return `${ms(first)} ${ms(median)} ${ms(slowest)} ms ${(bytes / 1024).toFixed(1).padStart(6)} KB  ${status} ${address}`
}

function day(ago: number): string {
  return new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10)
}
