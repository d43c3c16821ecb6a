/** `postbus log`: an operator looks at handlers that read the log. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { linesOf, postbusHere as postbus } from '../support/cli.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'

const HANDLER = 'notes.take'
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({ handlers: [handlerThat(() => undefined, { delivery: 'log', shards: 2 })] })
})

afterAll(() => opened.close())

test('lists how far handlers have come, moves one, and forgets it', async () => {
  const { events } = await opened.bus.publish([NoteTaken({ n: 1 }), NoteTaken({ n: 2 })])
  const run = (...words: readonly string[]) => postbus(opened.connectionString, ['log', ...words])

  const [list, json, wrong, nothing] = await Promise.all([
    run('list'),
    run('list', '--json'),
    run('rewind', HANDLER),
    run('skip-to', HANDLER, '--to', events[0]!.id, '--yes'),
  ])
  const moved = await run('skip-to', HANDLER, '--to', events[1]!.id, '--yes', '--by', 'ada')
  const forgotten = await run('forget', HANDLER, '--yes', '--json')

  expect(linesOf(list.out)).toEqual([
    expect.stringMatching(/^HANDLER +BEHIND +SECONDS +SHARDS READ +POSITION +MOVED AT/),
    expect.stringMatching(/^notes\.take +2 +\d+\.\d +0\/2 +0 +\d{4}-/),
  ])
  expect(json.json()).toMatchObject([{ handler: HANDLER, shards: 2, read: 0, lag: { events: 2 } }])
  expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('--to EVENT-ID') })
  expect(nothing).toMatchObject({ code: 0, err: expect.stringContaining('Nothing was moved') })
  expect(moved).toMatchObject({ code: 0, err: 'notes.take goes on there.\n' })
  expect(forgotten.json()).toEqual([{ count: 2 }])
  expect(await opened.bus.acts.list({ by: 'ada' })).toMatchObject({ acts: [{ act: 'log.skipTo', count: 2 }] })
}, 120_000)
