/** Schedules, for an operator: new, changed and forgotten ones, ticks by hand, the list, and doctor's findings. */
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createBus, defineSchedule } from '../../src/index.ts'
import { advanceTime, resetTime, travelTo } from '../../src/testing/time/time.ts'
import type { TestBus } from '../support/bus.ts'
import { aBus, emptyCalendar, everySecond, openCalendar, ticked, ticks } from '../support/calendar.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openCalendar()
  return () => opened.close()
})

beforeEach(() => emptyCalendar())

afterEach(() => resetTime({ bus: opened.bus }))

test('a new or changed schedule begins now, and one that was removed from the code publishes nothing', async () => {
  const daily = (cron: string, name = 'reports.daily') => defineSchedule(name, { cron, event: ticked, missed: 'all' })
  await travelTo(new Date('2026-11-30T05:30Z'), { bus: opened.bus })
  const before = aBus([daily('0 6 * * *'), daily('0 6 * * *', 'reports.gone')]).bus
  await before.drain()
  await travelTo(new Date('2026-11-30T07:30Z'), { bus: opened.bus })
  const after = aBus([daily('0 * * * *')]).bus
  await after.drain()
  const atFirst = await ticks()
  await before.drain()
  await travelTo(new Date('2026-11-30T08:30Z'), { bus: opened.bus })
  await aBus([daily('0 * * * *')]).bus.drain()

  const listed = await after.schedules.list()

  expect([atFirst, await ticks()]).toEqual([[], [expect.objectContaining({ name: 'reports.gone' })]])
  expect(listed).toMatchObject([
    {
      name: 'reports.daily',
      cron: '0 * * * *',
      isRegistered: true,
      missed: 'all',
      nextTickAt: new Date('2026-11-30T09:00Z'),
    },
    { name: 'reports.gone', isRegistered: false, missed: null, nextTickAt: null },
  ])
})

test('a tick by hand is published now, or for a given time, and then once', async () => {
  const { bus } = aBus([everySecond('by.hand')])
  const at = new Date('2026-11-30T05:00Z')

  const now = await bus.schedules.run('by.hand')
  const first = await bus.schedules.run('by.hand', { at, by: 'ada', reason: 'it failed' })
  const again = await bus.schedules.run('by.hand', { at })

  expect([now.duplicate, first.duplicate, again.duplicate, first.id === again.id]).toEqual([false, false, true, true])
  expect((await ticks()).map((tick) => tick.at)).toContainEqual(at)
  expect((await bus.acts.list({ act: 'schedules.run' })).acts).toMatchObject([
    { by: 'ada', reason: 'it failed', filter: { schedule: 'by.hand', at: at.toISOString() } },
  ])
  await expect(bus.schedules.run('by.no-one')).rejects.toMatchObject({ code: 'POSTBUS_NO_SUCH_SCHEDULE' })
  await expect(bus.schedules.run('by.hand', { at: new Date(NaN) })).rejects.toMatchObject({
    code: 'POSTBUS_INVALID_OPTIONS',
  })
})

test('doctor warns of an overdue tick, and of a schedule that no worker has started', async () => {
  const { bus } = aBus([everySecond('reports.late')])
  const finding = async () => (await bus.doctor()).find(({ check }) => check === 'schedules')

  const notBegun = await finding()
  await bus.drain()
  const fine = await finding()
  await advanceTime({ minutes: 10 }, { bus: opened.bus })
  const overdue = await finding()

  expect(notBegun).toMatchObject({
    status: 'warning',
    message: expect.stringContaining('no worker has begun with "reports.late"'),
  })
  expect(fine).toMatchObject({ status: 'ok' })
  expect(overdue).toMatchObject({
    status: 'warning',
    message: expect.stringMatching(/"reports\.late" at .* is overdue/),
  })
  expect((await opened.bus.doctor()).some(({ check }) => check === 'schedules')).toBe(false)
})

test('in memory a tick is published by hand, and the list shows the declared schedules', async () => {
  const bus = createBus({ backend: 'mailbox', schedules: [everySecond('in.memory')], onSignal: () => undefined })

  expect(await bus.schedules.run('in.memory', { at: new Date(0) })).toMatchObject({ duplicate: false })
  expect(await bus.schedules.list()).toMatchObject([{ name: 'in.memory', lastTickAt: null, nextTickAt: null }])
})
