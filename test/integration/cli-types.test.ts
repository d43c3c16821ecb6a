/** `postbus types` writes a snapshot for a team to commit, and in CI reports changes that would not survive a deploy: exit code 3. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseSnapshot, snapshotText, type TypesSnapshot } from '../../src/evolution/snapshot.ts'
import { linesOf, postbus } from '../support/cli.ts'

/** The command needs no database. */
const NOWHERE = 'postgres://nobody@127.0.0.1:1/nowhere'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postbus-types-'))
})

afterAll(() => rm(folder, { recursive: true }))

test('a snapshot is written to a file, and a check right afterwards finds no change', async () => {
  const written = await postbus(NOWHERE, ['types', 'snapshot'], { cwd: folder })
  const checked = await postbus(NOWHERE, ['types', 'check'], { cwd: folder })
  const printed = await postbus(NOWHERE, ['types', 'snapshot', '--json'], { cwd: folder })

  const file = await readFile(join(folder, 'postbus-types.json'), 'utf8')
  expect(written).toMatchObject({ code: 0, out: '' })
  expect(written.err).toBe('postbus-types.json: 2 event types and 2 handlers. Commit it.\n')
  expect(checked).toMatchObject({ code: 0, out: '', err: 'Nothing has changed since postbus-types.json.\n' })
  expect(printed.json()).toEqual([JSON.parse(file)])
  expect(JSON.parse(file)).toMatchObject({
    eventTypes: [
      { name: 'post.letter-sent', version: 1, schema: { properties: { to: { type: 'string' } }, required: ['to'] } },
      { name: 'post.parcel-sent', version: 1 },
    ],
    handlers: [
      { name: 'post.deliver-letter', queue: 'events', on: [{ type: 'post.letter-sent', version: 1 }] },
      { name: 'post.deliver-parcel', queue: 'parcels' },
    ],
  })
})

test('a change that would not survive a deploy is printed with its fix: exit code 3', async () => {
  const file = await snapshotWith('breaking.json', ({ eventTypes: [letter, parcel], handlers }) => ({
    eventTypes: [letter, { ...parcel, version: 2 }],
    handlers: [...handlers, { ...handlers[0], name: 'post.count-letters' }],
  }))

  const text = await postbus(NOWHERE, ['types', 'check', '--file', file])
  const json = await postbus(NOWHERE, ['types', 'check', '--file', file, '--json'])

  expect(text.code).toBe(3)
  expect(linesOf(text.out)).toEqual([
    '✖ post.parcel-sent: had version 2, and has 1 at most now: stored events of it would wait for newer code',
    '  Raise it above 2, with upcasts.',
    '✖ handler post.count-letters: is gone: what waits for it would be left behind',
    expect.stringContaining("previousNames: ['post.count-letters']") as unknown,
  ])
  expect(text.err).toBe('2 changes would not survive a deploy.\n')
  expect(json).toMatchObject({ code: 3 })
  expect(json.json().map(({ is, about }) => [is, about])).toEqual([
    ['breaks', 'post.parcel-sent'],
    ['breaks', 'handler post.count-letters'],
  ])
})

test('a compatible change passes, and asks for a new snapshot', async () => {
  const file = await snapshotWith('older.json', ({ eventTypes: [letter], handlers: [first] }) => ({
    eventTypes: [letter],
    handlers: [first],
  }))

  const { code, out, err } = await postbus(NOWHERE, ['types', 'check', '-f', file])

  expect({ code, out: linesOf(out) }).toEqual({
    code: 0,
    out: ['✔ post.parcel-sent version 1: is new', '✔ handler post.deliver-parcel: is new'],
  })
  expect(err).toBe(`Nothing breaks. ${file} is older than this code: take a new one with postbus types snapshot.\n`)
})

describe('bad input', () => {
  test.each([
    [['types', 'diff'], 2, 'expected one of snapshot, check'],
    [['types', 'check', 'other.json'], 2, 'types check takes no "other.json". Name the file with --file.'],
    [
      ['types', 'check', '--file', 'not-there.json'],
      2,
      'There is no not-there.json. Write it with: postbus types snapshot',
    ],
    [['types', 'check', '--file', import.meta.filename], 1, 'POSTBUS_INVALID_SNAPSHOT'],
  ])('%j', async (words, code, message) => {
    const result = await postbus(NOWHERE, words, { cwd: folder })

    expect(result).toMatchObject({ code, out: '' })
    expect(result.err).toContain(message)
  })
})

/** Writes this code's snapshot with a change, to stand for the snapshot of other code. */
async function snapshotWith(name: string, change: (snapshot: TypesSnapshot) => object): Promise<string> {
  const taken = await postbus(NOWHERE, ['types', 'snapshot', '--json'])
  const file = join(folder, name)
  const snapshot = { ...parseSnapshot(taken.out, name) }
  await writeFile(file, snapshotText({ ...snapshot, ...change(snapshot) }))
  return file
}
