/** Schedules: valid declarations, and the times of their ticks, also at clock changes. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineSchedule, type Missed } from '../../src/index.ts'
import { eventOf } from '../../src/schedules/schedule.ts'
import { dueTicks, nextTick } from '../../src/schedules/ticks.ts'

const DayPassed = defineEvent('calendar.day-passed', { schema: z.object({ at: z.date() }) })
const event = ({ at }: { at: Date }) => DayPassed({ at })
const timeZone = 'Europe/Berlin'

describe('ticks', () => {
  test.each([
    [
      'daily, in the hour that is left out in spring: once, at the end of the gap',
      '30 2 * * *',
      '2026-03-28T12:00Z',
      3,
      ['2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z', '2026-03-31T00:30:00.000Z'],
    ],
    [
      'daily, in the hour that comes twice in autumn: once, the first time',
      '30 2 * * *',
      '2026-10-24T12:00Z',
      2,
      ['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z'],
    ],
    [
      'daily, at noon: at noon of that zone before and after',
      '0 12 * * *',
      '2026-10-24T00:00Z',
      2,
      ['2026-10-24T10:00:00.000Z', '2026-10-25T11:00:00.000Z'],
    ],
    [
      'hourly in spring: each hour that there is',
      '0 * * * *',
      '2026-03-29T00:00Z',
      3,
      ['2026-03-29T01:00:00.000Z', '2026-03-29T02:00:00.000Z', '2026-03-29T03:00:00.000Z'],
    ],
    [
      'half-hourly in autumn: also in the second of the two hours',
      '*/30 * * * *',
      '2026-10-25T00:00Z',
      4,
      ['2026-10-25T00:30:00.000Z', '2026-10-25T01:00:00.000Z', '2026-10-25T01:30:00.000Z', '2026-10-25T02:00:00.000Z'],
    ],
  ])('%s', (_, cron, from, count, expected) => {
    const ticks: string[] = []
    for (let tick = nextTick({ cron, timeZone }, new Date(from)); tick && ticks.length < count;) {
      ticks.push(tick.toISOString())
      tick = nextTick({ cron, timeZone }, tick)
    }

    expect(ticks).toEqual(expected)
  })

  test.each<[Missed, string, number[], boolean[]]>([
    ['all', 'three days later', [28, 29, 30], [true, true, false]],
    ['latest', 'three days later', [30], [false]],
    ['none', 'three days later', [30], [false]],
  ])('missed: %s, %s: %j', (missed, _, days, isMissed) => {
    const schedule = { cron: '0 6 * * *', timeZone: 'UTC', missed }

    const due = dueTicks(schedule, new Date('2026-11-27T06:00Z'), new Date('2026-11-30T06:00:01Z'))

    expect(due.ticks.map(({ at }) => at.getUTCDate())).toEqual(days)
    expect(due.ticks.map((tick) => tick.isMissed)).toEqual(isMissed)
    expect(due.upTo).toEqual(new Date('2026-11-30T06:00Z'))
  })

  test('none makes up no tick, and goes on from now', () => {
    const schedule = { cron: '0 6 * * *', timeZone: 'UTC', missed: 'none' } as const

    const due = dueTicks(schedule, new Date('2026-11-27T06:00Z'), new Date('2026-11-30T07:00Z'))

    expect(due).toEqual({ ticks: [], upTo: new Date('2026-11-30T06:00Z'), hasMore: false })
  })

  test('a pattern with seconds after a year: `latest` finds one tick at once, and `all` brings a hundred ticks at a time', () => {
    const [after, now] = [new Date('2025-11-30T00:00Z'), new Date('2026-11-30T00:00:00.500Z')]
    const schedule = { cron: '* * * * * *', timeZone }

    const latest = dueTicks({ ...schedule, missed: 'latest' }, after, now)
    const all = dueTicks({ ...schedule, missed: 'all' }, after, now)

    expect(latest.ticks.map(({ at }) => at)).toEqual([new Date('2026-11-30T00:00:00Z')])
    expect([all.ticks.length, all.hasMore, all.upTo]).toEqual([100, true, new Date('2025-11-30T00:01:40Z')])
  })
})

describe('a schedule is refused with a way to fix it for', () => {
  test.each<[string, Record<string, unknown>]>([
    ['a pattern that is none', { cron: 'every day' }],
    ['too many fields', { cron: '* * * * * * * *' }],
    ['a minute that there is not', { cron: '61 * * * *' }],
    ['a day that never comes', { cron: '0 0 31 2 *' }],
    ['a date in the place of a pattern', { cron: '2026-11-30T00:00:00' }],
    ['a time zone that is none', { timeZone: 'Europe/Bielefeld' }],
    ['an unknown way with missed ticks', { missed: 'some' }],
    ['an unknown option', { timezone: 'UTC' }],
    ['no event', { event: undefined }],
  ])('%s', (_, wrong) => {
    expect(() => defineSchedule('reports.daily', { cron: '0 6 * * *', timeZone, event, ...wrong })).toThrow(
      expect.objectContaining({ code: 'POSTBUS_INVALID_SCHEDULE', message: expect.stringContaining('reports.daily') }),
    )
  })

  test('a name that the database could not store', () => {
    expect(() => defineSchedule('Daily report', { cron: '@daily', event })).toThrow(
      expect.objectContaining({ code: 'POSTBUS_INVALID_SCHEDULE' }),
    )
  })

  test('values that are not schedules, and two schedules of one name', () => {
    const one = defineSchedule('reports.daily', { cron: '@daily', event })
    const other = defineSchedule('reports.daily', { cron: '@hourly', event })

    for (const schedules of [[one, other], ['x'], { one, event }]) {
      expect(() => createBus({ backend: 'mailbox', schedules: schedules as never })).toThrow(
        expect.objectContaining({ code: 'POSTBUS_INVALID_SCHEDULE' }),
      )
    }
    expect(() => createBus({ backend: 'mailbox', schedules: { one, again: [one] } })).not.toThrow()
  })
})

test('the event of a tick has the same id in every process, and another one for each tick and schedule', () => {
  const [daily, hourly] = ['reports.daily', 'reports.hourly'].map((name) =>
    defineSchedule(name, { cron: '@daily', event }),
  )
  const [at, later] = [new Date('2026-11-30T05:00Z'), new Date('2026-12-01T05:00Z')]

  const ids = [
    [daily, at],
    [daily, at],
    [daily, later],
    [hourly, at],
  ].map(([schedule, tick]) => eventOf(schedule as NonNullable<typeof daily>, tick as Date, false).id)

  expect(ids[0]).toBe(ids[1])
  expect(new Set(ids).size).toBe(3)
})
