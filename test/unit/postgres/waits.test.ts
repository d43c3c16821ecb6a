/** Waits learn from notifications that an event has ended. The regular look is an hour away here, so only a notification can end a wait. */
import { expect, onTestFinished, test } from 'vitest'
import { Waits, type Found } from '../../../src/backends/postgres/record/waits.ts'
import { until } from '../../support/until.ts'

const HOUR_MS = 3_600_000
const how = { timeoutMs: 60_000, includeCaused: false }

test('a wait for a finished event ends at once', async () => {
  const { waits, ends, calls } = someWaits()
  ends.add('a')

  expect(await waits.until('a', how)).toBe('status of a')
  expect(calls).toEqual(['look a'])
})

test('an unfinished event is watched and looked at once more, and its wait ends with its notification', async () => {
  const { waits, ends, calls, hear } = someWaits()
  const wait = waits.until('a', how)
  await until('it was looked at again', () => calls.length === 3)
  expect(calls).toEqual(['look a', 'watch a', 'look a'])

  hear(['other'])
  ends.add('a')
  hear(['a'])

  expect(await wait).toBe('status of a')
  expect(calls.slice(3)).toEqual(['look a'])
})

test('an end between the first look and the start of watching is not missed', async () => {
  const { waits, ends } = someWaits({ onWatch: () => ends.add('a') })

  expect(await waits.until('a', how)).toBe('status of a')
})

test('waits that begin together share one look', async () => {
  const { waits, ends, calls } = someWaits()
  for (const id of ['a', 'b', 'c']) ends.add(id)

  await Promise.all(['a', 'b', 'c', 'a'].map((id) => waits.until(id, how)))

  expect(calls).toEqual(['look a b c'])
})

test('a notification of too many ends makes the waits look at everything', async () => {
  const { waits, ends, calls, hear } = someWaits()
  const both = Promise.all(['a', 'b'].map((id) => waits.until(id, how)))
  await until('both are watched', () => calls.length === 3)

  ends.add('a').add('b')
  hear('some')

  expect(await both).toEqual(['status of a', 'status of b'])
})

test('a failed look ends no wait, and a wait that times out names the error of the last look', async () => {
  const { waits, fail } = someWaits()
  fail(new Error('no connection'))

  const late = waits.until('a', { ...how, timeoutMs: 50 })

  await expect(late).rejects.toMatchObject({ code: 'POSTBUS_WAIT_TIMEOUT', cause: { message: 'no connection' } })
})

test('without waits the connection is kept for the next wait, until the regular look finds it idle', async () => {
  const { waits, ends, calls } = someWaits({ lookEveryMs: 20 })
  ends.add('a')
  await waits.until('a', how)
  await waits.until('a', how)

  await until('it is given back', () => calls.includes('close'))
  expect(calls).toEqual(['look a', 'look a', 'close'])
})

function someWaits({ onWatch = (): void => undefined, lookEveryMs = HOUR_MS } = {}) {
  const ends = new Set<string>()
  const calls: string[] = []
  let hear: (seqs: readonly string[] | 'some') => void = () => undefined
  let failure: Error | null = null
  const waits = new Waits<string>(
    {
      async look(ids): Promise<Found<string>> {
        if (failure) throw failure
        calls.push(`look ${ids.join(' ')}`)
        return {
          finished: new Map(ids.filter((id) => ends.has(id)).map((id) => [id, `status of ${id}`])),
          unfinished: new Map(ids.filter((id) => !ends.has(id)).map((id) => [id, [id]])),
        }
      },
      async watch(_, seqs) {
        calls.push(`watch ${seqs.join(' ')}`)
        onWatch()
      },
      unwatch: async () => undefined,
      listen(onEnd) {
        hear = onEnd
        return { close: async () => void calls.push('close') }
      },
    },
    lookEveryMs,
  )
  onTestFinished(() => waits.close())
  return {
    waits,
    ends,
    calls,
    hear: (seqs: readonly string[] | 'some') => hear(seqs),
    fail: (error: Error) => void (failure = error),
  }
}
