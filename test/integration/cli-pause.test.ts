/** `postbus pause` and `postbus resume`. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { linesOf, postbusHere as postbus } from '../support/cli.ts'
import * as handlers from '../support/fixtures/cli/event-handlers.ts'

const HANDLER = 'post.deliver-parcel'
let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers })
})

afterAll(() => shop.close())

test('pauses a handler and a key, lists both, and resumes one', async () => {
  const run = (...words: readonly string[]) => postbus(shop.connectionString, words)
  const [handler, key, wrong] = await Promise.all([
    run('pause', '--handler', HANDLER, '--by', 'ada', '--reason', 'strike'),
    run('pause', '--handler', HANDLER, '--key', 'anna', '--json'),
    run('pause', '--key', 'anna'),
  ])
  const [list, resumed] = await Promise.all([run('pause', 'list'), run('resume', '--queue', 'events')])

  expect(handler).toMatchObject({ code: 0, err: `Handler ${HANDLER} is paused.\n` })
  expect(key.json()).toEqual([{ action: 'pause', count: 1 }])
  expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('--handler NAME --key KEY') })
  expect(linesOf(list.out).map((line) => line.slice(26))).toEqual([
    expect.stringMatching(/HANDLER +KEY +QUEUE +BY +REASON/),
    expect.stringMatching(/post\.deliver-parcel +ada +strike/),
    expect.stringMatching(/post\.deliver-parcel +anna/),
  ])
  expect(resumed).toMatchObject({ code: 0, err: 'Queue events was not paused.\n' })
}, 120_000)
