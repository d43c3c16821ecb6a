/** The operator page: lanes, handlers, schedules, replays and acts, and the actions on these pages. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineSchedule } from '../../../src/index.ts'
import { operatorPage } from '../../../src/ui/index.ts'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { drained } from '../../support/drained.ts'
import { visitorOf, type Visitor } from '../../support/operator-page.ts'
import { handlersIn, OrderPlaced, PageViewed } from '../../support/stage-for-operators.ts'
import { emptyTables } from '../../support/stored.ts'
import { until } from '../../support/until.ts'

const KEY = { handler: 'stock.reserve', partitionKey: 'order-4711' }
const LANE = 'handler=stock.reserve&key=order-4711'
const DayEnded = defineEvent('reports.day-ended', { schema: z.object({}) })
const schedules = [defineSchedule('reports.daily', { cron: '0 5 * * *', event: () => DayEnded({}) })]
const trouble = { isMailDown: false, isStockWrong: true }
let shop: TestBus
let visitor: Visitor

beforeAll(async () => {
  shop = await openTestBus({ handlers: handlersIn(trouble), schedules })
  visitor = visitorOf(operatorPage(shop.bus, { access: () => ({ level: 'all', by: 'anna' }) }))
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  trouble.isStockWrong = true
  await shop.bus.publish(['4711', '4711', '4711', '4712'].map((order) => OrderPlaced({ order })))
  await drained(shop.bus)
  trouble.isStockWrong = false
})

describe('lanes', () => {
  test('are listed blocked ones first, with the head, the reason, and the number behind it', async () => {
    const { text, html } = await visitor.get('/lanes')

    expect(text).toMatch(/stock\.reserve order-4711 blocked [\d :-]+ 2 orders\.order-placed TypeError no such article/)
    expect(html).toContain('href="/lanes/show?handler=stock.reserve&amp;key=order-4711"')
    expect((await visitor.get('/lanes?state=waiting')).text).toContain('No key stands still or waits.')
    expect((await visitor.get('/lanes?state=odd')).status).toBe(400)
  })

  test('one shows its head with the attempts, the waiting events in order, and the effect of each act', async () => {
    const events = (await shop.bus.events.list({ partitionKey: 'order-4711', first: 'oldest' })).events
    const { text } = await visitor.get(`/lanes/show?${LANE}`)

    expect(text).toMatch(/State blocked At its head orders\.order-placed .* Behind it 2/)
    const [, waiting = ''] = /Waiting, in order(.*)The latest events/.exec(text) ?? []
    expect(waiting.match(/[0-9a-f-]{36}/g)).toEqual(events.slice(1).map(({ id }) => id))
    expect(text).toContain('Skip Makes the head a dead letter. The key goes on with the next.')
  })

  test('the head is retried, and the events behind it follow', async () => {
    const preview = await visitor.get(`/do/retry-head?${LANE}&back=/lanes?state=blocked`)
    const done = await visitor.submit(preview)

    expect(preview.text).toContain(
      'This tries the head of key order-4711 of stock.reserve again now: orders.order-placed, which has died of TypeError.',
    )
    expect(preview.text).toContain('2 events behind it then follow in order.')
    expect(done.at).toBe('/lanes?state=blocked')
    expect(await lastAct()).toMatchObject({ act: 'lanes.retry', by: 'anna' })
    expect(await drained(shop.bus)).toMatchObject({ done: 3 })
  })

  test('the head is skipped, and the key is repaired later from that event on', async () => {
    await visitor.submit(await visitor.get(`/do/skip-head?${LANE}`))
    expect(await drained(shop.bus)).toMatchObject({ done: 2 })

    const preview = await visitor.get(`/do/repair-lane?${LANE}`)
    const done = await visitor.submit(preview)

    expect(preview.text).toContain('This runs 3 events of key order-4711 of stock.reserve again')
    expect(done.text).toContain('3 events of key order-4711 of stock.reserve come back, in order.')
    expect(await drained(shop.bus)).toMatchObject({ done: 3 })
  })

  test('a key is rewound to one of its events', async () => {
    await shop.bus.lanes.retry(KEY)
    await drained(shop.bus)
    const [, second] = (await shop.bus.events.list({ partitionKey: 'order-4711', first: 'oldest' })).events
    const preview = await visitor.get(`/do/rewind-lane?${LANE}&from=${second?.id}`)
    const done = await visitor.submit(preview, { reason: 'wrong quantity' })

    expect(preview.text).toContain('This runs 2 events of key order-4711 of stock.reserve again')
    expect(done.text).toContain('2 events of key order-4711 of stock.reserve come back, in order.')
    expect(await lastAct()).toMatchObject({ act: 'lanes.rewind', by: 'anna', reason: 'wrong quantity', count: 2 })
  })

  test('a key is paused and resumed', async () => {
    const paused = await visitor.submit(await visitor.get(`/do/pause-lane?${LANE}&back=/lanes`))
    expect(paused.text).toMatch(/is paused\. .*order-4711 blocked paused/)

    const resumed = await visitor.submit(await visitor.get(`/do/resume-lane?${LANE}&back=/lanes`))
    expect(resumed.text).not.toMatch(/blocked paused/)
  })

  test('all keys blocked by the same error are retried together', async () => {
    const list = await visitor.get('/lanes')
    const preview = await visitor.get(hrefOf(list.html, 'retry-blocked'))
    const done = await visitor.submit(preview)

    expect(preview.text).toContain(
      'This tries the heads of 2 blocked keys of stock.reserve that died of TypeError again.',
    )
    expect(done.text).toContain('The heads of 2 blocked keys are tried again.')
    expect(await lastAct()).toMatchObject({ act: 'lanes.retryAll', by: 'anna', count: 2 })
    expect(await drained(shop.bus)).toMatchObject({ done: 4, dead: 0 })
  })

  test.each([
    `/do/retry-head?handler=stock.reserve&key=order-9`,
    `/do/skip-head?handler=stock.reserve&key=order-9`,
    `/do/repair-lane?handler=stock.reserve&key=order-9`,
    '/do/retry-blocked?handler=web.count',
  ])('if there is nothing to do, %s offers nothing', async (path) => {
    expect((await visitor.get(path)).html).not.toContain('method="post"')
  })

  test('if another user acted meanwhile, the page says so, with a link back', async () => {
    const preview = await visitor.get(`/do/retry-head?${LANE}&back=/lanes`)
    await shop.bus.lanes.retry(KEY)
    await drained(shop.bus)
    const done = await visitor.submit(preview)

    expect(done.status).toBe(409)
    expect(done.text).toContain('POSTBUS_NO_SUCH_LANE')
    expect(done.html).toContain('href="/lanes"')
  })
})

describe('handlers', () => {
  test('are listed with their event types and their durations', async () => {
    const { text } = await visitor.get('/handlers')

    expect(text).toMatch(/mail\.receipt orders\.order-placed v1 events [\d.]+ \/ [\d.]+ \/ [\d.]+/)
  })

  test('one shows its options, and is paused and resumed', async () => {
    const shown = await visitor.get('/handlers/stock.reserve')
    expect(shown.text).toMatch(/maxAttempts 1 .*onDead block/)

    const paused = await visitor.submit(await visitor.get(hrefOf(shown.html, 'pause')))
    expect(paused).toMatchObject({ at: '/handlers/stock.reserve' })
    expect(paused.text).toContain('handler stock.reserve is paused.')
    expect((await shop.bus.pauses()).pauses).toMatchObject([{ handler: 'stock.reserve', by: 'anna' }])

    await visitor.submit(await visitor.get('/do/resume?handler=stock.reserve'))
    expect((await shop.bus.pauses()).pauses).toEqual([])
  })

  test('an unknown one is not found', async () => {
    expect((await visitor.get('/handlers/no.one')).status).toBe(404)
  })
})

test('a tick of a schedule is published by hand, once for its time', async () => {
  const list = await visitor.get('/schedules')
  expect(list.text).toMatch(/reports\.daily 0 5 \* \* \* UTC/)

  const preview = await visitor.get(hrefOf(list.html, 'run-schedule'))
  const first = await visitor.submit(preview, { at: '2026-05-01T05:00' })
  const second = await visitor.submit(preview, { at: '2026-05-01T05:00' })

  expect(first.text).toMatch(/Event [0-9a-f-]{36} was published\./)
  expect(second.text).toContain('It was published already.')
  expect(await shop.bus.events.count({ type: 'reports.day-ended' })).toBe(1)
  expect(await lastAct()).toMatchObject({ act: 'schedules.run', by: 'anna' })
})

describe('replays', () => {
  const QUERY = 'handler=mail.receipt&type=orders.*&since=&until=&key=order-4711&rate=&back=/replays'

  test('one is begun as previewed, and is listed', async () => {
    const preview = await visitor.get(`/do/begin-replay?${QUERY}`)
    const begun = await visitor.submit(preview, { reason: 'new template' })

    expect(preview.text).toContain('This gives 3 stored events to mail.receipt again. 3 stored events match.')
    expect(begun.at).toBe('/replays')
    await until('it is done', async () => (await visitor.get('/replays')).text.includes('mail.receipt done'))
    expect(await lastAct()).toMatchObject({ act: 'replay', by: 'anna', reason: 'new template' })
    expect(await drained(shop.bus)).toMatchObject({ done: 3 })
  })

  test('nothing is offered if nothing matches, and wrong values are refused', async () => {
    const none = await visitor.get('/do/begin-replay?handler=mail.receipt&type=no.such')
    const wrong = await visitor.get('/do/begin-replay?handler=mail.receipt&rate=fast')
    const unknown = await visitor.get('/do/begin-replay?handler=no.one')

    expect(none.text).toContain('There is nothing to replay to mail.receipt.')
    expect([wrong.status, unknown.status]).toEqual([409, 409])
  })

  test('a running one is paused, resumed and cancelled', async () => {
    await shop.bus.publish(Array.from({ length: 5 }, () => PageViewed({ page: '/' })))
    await drained(shop.bus)
    const replay = await shop.bus.replay({ handler: 'web.count', ratePerSecond: 0.01 })
    const act = async (name: string) => visitor.submit(await visitor.get(`/do/${name}?id=${replay.id}&back=/replays`))

    expect((await act('pause-replay')).text).toContain('web.count paused')
    expect((await act('resume-replay')).text).toContain('web.count running')
    expect((await act('cancel-replay')).text).toContain('web.count cancelled')
    expect((await shop.bus.acts.list({ by: 'anna' })).acts.map(({ act: name }) => name)).toEqual([
      'replays.cancel',
      'replays.resume',
      'replays.pause',
    ])
    await replay.done.catch(() => undefined)
  })
})

test('acts are listed with user, reason and count, by user and by kind', async () => {
  await shop.bus.lanes.retryAll({ all: true }, { by: 'ada', reason: 'mended' })
  await shop.bus.pause({ handler: 'web.count' }, { by: 'bert' })
  await shop.bus.resume({ handler: 'web.count' }, { by: 'bert' })

  const [all, hers, pauses, odd] = await Promise.all(
    ['', '?by=ada', '?act=pause', '?act=odd'].map((query) => visitor.get(`/acts${query}`)),
  )

  expect(all?.text).toMatch(/lanes\.retryAll ada 2 .* mended/)
  expect(hers?.text).not.toContain('bert')
  expect(pauses?.html.match(/<td\s*>bert<\/td>/g)).toHaveLength(1)
  expect(odd?.status).toBe(400)
})

function hrefOf(html: string, action: string): string {
  return new RegExp(`href="([^"]*/do/${action}\\?[^"]*)"`).exec(html)?.[1]?.replaceAll('&amp;', '&') ?? ''
}

async function lastAct() {
  return (await shop.bus.acts.list()).acts[0]
}
