/** `postbus rates`: the rates of handlers, as a table and as JSON. */
import { beforeAll, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { linesOf, postbusHere as postbus, type CliOptions } from '../support/cli.ts'
import { drained } from '../support/drained.ts'
import * as handlers from '../support/fixtures/cli/event-handlers.ts'
import { ParcelSent } from '../support/fixtures/cli/events.ts'

let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers })
  await shop.bus.publish([ParcelSent({ to: 'anna' }), ParcelSent({ to: 'nobody' })])
  await drained(shop.bus)
  return () => shop.close()
})

test('prints one line per handler, and the period', async () => {
  const { code, out, err } = await rates([])

  expect(code).toBe(0)
  expect(linesOf(out)[0]).toMatch(
    /^HANDLER +DONE +PER SECOND +SKIPPED +FAILED +DEAD +ERRORS +RUN p50\/p95\/p99 +LATENCY p50\/p95\/p99$/,
  )
  expect(out).toMatch(/^post\.deliver-parcel +1 .* [\d.]+\/[\d.]+\/[\d.]+ +[\d.]+\/[\d.]+\/[\d.]+$/m)
  expect(err).toMatch(/^What workers counted from \S+Z to \S+Z\. Times are in milliseconds\.\n$/)
})

test('--json prints handlers with their points, and an empty result for a time without work', async () => {
  const [one, none, wrong] = await Promise.all([
    rates(['--json', '--handler', 'post.deliver-parcel']),
    rates(['--since', '2020-01-01T12:00:00Z', '--until', '2020-01-01T13:00:00Z']),
    rates(['--handler', 'post.deliver-parsel']),
  ])

  expect(one.json()).toMatchObject([{ handler: 'post.deliver-parcel', done: 1, points: [{ done: 1 }] }])
  expect(none).toMatchObject({ code: 0, out: '' })
  expect(none.err).toContain('Workers counted nothing from 2020-01-01T12:00:00.000Z')
  expect(wrong).toMatchObject({ code: 1, out: '' })
  expect(wrong.err).toContain('POSTBUS_UNKNOWN_HANDLER')
})

function rates(args: readonly string[], options: CliOptions = {}) {
  return postbus(shop.connectionString, ['rates', ...args], options)
}
