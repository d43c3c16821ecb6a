/** `postbus replay`: an operator sends a handler its events again. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postbusHere as postbus } from '../support/cli.ts'
import { drained } from '../support/drained.ts'
import * as handlers from '../support/fixtures/cli/event-handlers.ts'
import { LetterSent } from '../support/fixtures/cli/events.ts'
import { openStoredEvents, type StoredEvents } from '../support/stored-events.ts'

const HANDLER = 'post.deliver-letter'
let stored: StoredEvents

beforeAll(async () => {
  stored = await openStoredEvents()
  const bus = stored.busWith(Object.values(handlers))
  await bus.migrate()
  await bus.publish([LetterSent({ to: 'anna' }), LetterSent({ to: 'ben' })])
  await drained(bus)
})

afterAll(() => stored.close())

test('with --dry-run it prints the number of events, and starts nothing', async () => {
  const dry = await replay(['--handler', HANDLER, '--dry-run', '--json'])
  expect(dry.json()).toEqual([{ count: 2, retried: 0, skipped: 0, matching: 2 }])
  expect(dry.err).toContain(`${HANDLER} would get 2 events again`)
})

test('it asks before it starts, and prints how it ended', async () => {
  const asked = await replay(['--handler', HANDLER])
  expect(asked).toMatchObject({ code: 2, err: expect.stringContaining(`Give 2 events to ${HANDLER} again?`) })

  const done = await replay(['--handler', HANDLER, '--yes', '--by', 'ada', '--json'])
  expect(done).toMatchObject({ code: 0, err: expect.stringContaining('done: looked at 2 of 2, 2 given') })
  expect(done.json()).toMatchObject([{ handler: HANDLER, count: 2, by: 'ada', state: 'done' }])
})

test('--list shows the replay', async () => {
  const listed = await replay(['--list'])

  expect(listed.out).toMatch(/post\.deliver-letter {2}done/)
})

test('a replay that is paused in the database goes on with --resume, and one that has ended does not', async () => {
  await stored.database.query(`delete from pgboss.job`)
  const { rows } = await stored.database.query<{ id: string }>(
    `insert into postbus.replay (handler, query, to_seq, matching, runner, state)
    select $1, '{"hasWhere": false}', max(seq), 2, gen_random_uuid(), 'paused' from postbus.event returning id`,
    [HANDLER],
  )
  const id = rows[0]?.id ?? ''

  expect(await replay(['--resume', id])).toMatchObject({ code: 0, err: expect.stringContaining('2 given') })
  expect(await replay(['--pause', id])).toMatchObject({ code: 1, err: expect.stringContaining('POSTBUS_REPLAY_ENDED') })
})

test.each([
  [[], 2, 'expected --handler NAME, or one of'],
  [['--handler', HANDLER, '--list'], 2, 'expected --handler NAME, or one of'],
  [['--handler', HANDLER, '--since', 'yesterday'], 2, '--since yesterday: expected a day'],
  [['--handler', HANDLER, '--rate', 'fast'], 2, '--rate fast: expected a number'],
  [['--handler', 'post.nobody', '--dry-run'], 1, 'POSTBUS_UNKNOWN_HANDLER'],
  [['--resume', '01900000-0000-7000-8000-000000000001'], 1, 'POSTBUS_NO_SUCH_REPLAY'],
])('%j exits with code %i and says what is wrong', async (words, code, message) => {
  expect(await replay(words)).toMatchObject({ code, err: expect.stringContaining(message) })
})

const replay = (words: readonly string[]) => postbus(stored.connectionString, ['replay', ...words])
