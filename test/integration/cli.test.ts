/** The `postbus` command: its output on stdout and stderr, and its exit codes. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { linesOf, postbus } from '../support/cli.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import * as handlers from '../support/fixtures/cli/event-handlers.ts'
import { LetterSent, ParcelSent } from '../support/fixtures/cli/events.ts'
import { INDEX_STEPS, migrationSteps } from '../support/migrated-to.ts'

const NOWHERE = 'postgres://nobody:hunter2@127.0.0.1:1/nowhere'
const ESCAPE = '\u001b['

describe('migrate', () => {
  const steps = [
    'install pg-boss schema 43 in "pgboss"',
    ...migrationSteps('0001-events'),
    ...INDEX_STEPS,
    'install the functions of "postbus"',
    'create queue "events"',
    'create queue "events_partitioned"',
    'create queue "parcels"',
    'create queue "parcels_partitioned"',
    'register 2 event types and 2 handlers for SQL publishers',
  ]
  let empty: TestDatabase

  beforeAll(async () => {
    empty = await createDatabase()
    return () => empty.drop()
  })

  test('prints its steps on stdout, takes them once, and reports it on stderr', async () => {
    const dry = await postbus(empty.connectionString, ['migrate', '--dry-run'])
    const dryJson = await postbus(empty.connectionString, ['migrate', '--dry-run', '--json'])
    const real = await postbus(empty.connectionString, ['migrate'])
    const again = await postbus(empty.connectionString, ['migrate'])

    expect(dry).toMatchObject({ code: 0, err: `${steps.length} steps would be taken.\n` })
    expect(linesOf(dry.out)).toEqual(steps)
    expect(dryJson.json()).toEqual(steps.map((step) => ({ step, done: false })))
    expect(real).toMatchObject({ code: 0, out: '' })
    expect(linesOf(real.err)).toEqual([...steps.map((step) => `… ${step}`), `Done: ${steps.length} steps.`])
    expect(again).toMatchObject({
      code: 0,
      out: '',
      err: 'Nothing to do: the schema and the queues are up to date.\n',
    })
  })

  test('reports that it keeps a newer registry for SQL, and replaces it with --replace-registry', async () => {
    const client = new Client({ connectionString: empty.connectionString })
    await client.connect()
    await client.query(
      `insert into postbus.former_registry select service, digest from postbus.registry; update postbus.registry set digest = 'newer'`,
    )
    await client.end()

    const kept = await postbus(empty.connectionString, ['migrate'])
    const replaced = await postbus(empty.connectionString, ['migrate', '--replace-registry'])
    const listed = await postbus(empty.connectionString, ['types', 'sql'])
    const json = await postbus(empty.connectionString, ['types', 'sql', '--json'])

    expect(kept).toMatchObject({ code: 0, out: '' })
    expect(kept.err).toContain('npx postbus migrate --replace-registry')
    expect(kept.err).not.toContain('Nothing to do')
    expect(replaced.err).toContain('Done: 1 step.')
    expect(linesOf(listed.out)).toEqual([
      'EVENT TYPE        VERSION  PARTITION KEY  SERVICES  HANDLERS',
      'post.letter-sent  1                       main      post.deliver-letter',
      'post.parcel-sent  1        needed         main      post.deliver-parcel',
    ])
    expect(json.json()[0]).toEqual({
      type: 'post.letter-sent',
      version: 1,
      needsKey: false,
      services: ['main'],
      handlers: ['post.deliver-letter'],
    })
  })
})

describe('worker --once', () => {
  let shop: TestBus

  beforeAll(async () => {
    shop = await openTestBus({ handlers })
    return () => shop.close()
  })

  test('handles due deliveries, prints the counts as one line of JSON, and exits with 0', async () => {
    await shop.bus.publish([ParcelSent({ to: 'Ada' }), ParcelSent({ to: 'nobody' }), LetterSent({ to: 'nobody' })])

    const first = await postbus(shop.connectionString, ['worker', '--once'])
    const second = await postbus(shop.connectionString, ['worker', '--once'])

    expect(first.code).toBe(0)
    expect(first.json()).toEqual([{ done: 1, failed: 1, dead: 2, snoozed: 0 }])
    expect(first.err).toContain('Nothing is due any more: 1 delivery done.')
    expect(first.err).toContain('post.deliver-letter for post.letter-sent')
    expect(first.err).not.toContain('hunter2')
    expect(second.json()).toEqual([{ done: 0, failed: 0, dead: 0, snoozed: 0 }])
  })

  test('works only on the named queues', async () => {
    await shop.bus.publish([LetterSent({ to: 'Bob' }), ParcelSent({ to: 'Bob' })])

    const parcels = await postbus(shop.connectionString, ['worker', '--once', '--queues', 'parcels_partitioned=2'])
    const rest = await postbus(shop.connectionString, ['worker', '--once'])
    const unknown = await postbus(shop.connectionString, ['worker', '--once', '--queues', 'post=2'])

    expect([parcels, rest].map((result) => result.json()[0]?.['done'])).toEqual([1, 1])
    expect(unknown).toMatchObject({ code: 1, out: '' })
    expect(unknown.err).toContain('POSTBUS_INVALID_OPTIONS: No handler uses queue "post"')
  })
})

describe('a mistake in the command line exits with code 2, explains itself on stderr, and prints nothing on stdout', () => {
  test.each([
    { words: ['migrat'], says: 'postbus has no command "migrat". Did you mean "migrate"? See: postbus --help' },
    { words: ['constructor'], says: 'postbus has no command "constructor".' },
    { words: ['doctor', '--jsn'], says: "Unknown option '--jsn'" },
    { words: ['doctor', 'now'], says: 'postbus doctor takes no "now".' },
    { words: ['worker', '--queues', 'events=0'], says: 'expected NAME=COUNT' },
    { words: ['worker', '--grace-ms', 'soon'], says: '--grace-ms soon: expected milliseconds from 0 to 3,600,000.' },
    { words: ['dead', 'bury'], says: 'dead bury: expected one of list, retry, dismiss.' },
    { words: ['dead', 'retry'], says: 'dead retry: say which' },
    { words: ['dead', 'retry', 'all'], says: '"all" is not a delivery id.' },
    { words: ['dead', 'list', '--limit', '0'], says: '--limit 0: expected a whole number from 1 to 10,000.' },
  ])('$words', async ({ words, says }) => {
    const result = await postbus(NOWHERE, words)

    expect(result).toMatchObject({ code: 2, out: '' })
    expect(result.err).toContain(says)
    expect(result.err).not.toContain('    at ') // no stack: the program is not broken
  })

  test('a config file that does not exist, and a folder without one, too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'postbus-cli-'))

    const named = await postbus(NOWHERE, ['doctor'], { config: 'missing.config.ts' })
    const none = await postbus(NOWHERE, ['doctor'], { config: null, cwd: folder })

    expect(named).toMatchObject({ code: 2, out: '' })
    expect(named.err).toContain('missing.config.ts')
    expect(none).toMatchObject({ code: 2, out: '' })
    expect(none.err).toContain('looked for postbus.config.ts, postbus.config.mts, postbus.config.js')
    await rm(folder, { recursive: true })
  })
})

test('a config file that cannot be used exits with code 1, and the error says what is wrong', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'postbus-cli-'))
  const configs = {
    'no-bus.ts': 'export const bus = 1',
    'enum.ts': 'enum Color { Red }; export const bus = Color.Red',
    'import.ts': `import { x } from './nowhere'; export const bus = x`,
  }
  for (const [name, text] of Object.entries(configs)) await writeFile(join(folder, name), text)

  const results = await Promise.all(
    Object.keys(configs).map((name) => postbus(NOWHERE, ['doctor'], { config: join(folder, name) })),
  )

  expect(results.map(({ code, out }) => ({ code, out }))).toEqual(results.map(() => ({ code: 1, out: '' })))
  expect(results.map(({ err }) => err.split(':')[0])).toEqual([
    'POSTBUS_INVALID_CONFIG',
    'POSTBUS_CONFIG_SYNTAX',
    'POSTBUS_CONFIG_SYNTAX',
  ])
  await rm(folder, { recursive: true })
})

test('help goes to stdout with exit code 0, and the overview without a command has exit code 2', async () => {
  const words = [[], ['--help'], ['help'], ['dead', '--help'], ['worker', '-h']]

  const results = await Promise.all(words.map((each) => postbus(NOWHERE, each, { config: null })))

  expect(results.map(({ code, err }) => ({ code, err }))).toEqual([2, 0, 0, 0, 0].map((code) => ({ code, err: '' })))
  expect(results[0]?.out).toBe(results[1]?.out)
  expect(results[3]?.out).toContain('postbus dead dismiss --all --yes')
})

test('a database that is away exits with code 1 and a message without the password', async () => {
  const { code, out, err } = await postbus(NOWHERE, ['dead', 'list'])

  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(err).toContain('ECONNREFUSED')
  expect(err).not.toContain('hunter2')
})

describe('colours', () => {
  let shop: TestBus

  beforeAll(async () => {
    shop = await openTestBus({ handlers })
    return () => shop.close()
  })

  test.each([
    { what: 'in a pipe', env: {}, colored: false },
    { what: 'with NO_COLOR', env: { NO_COLOR: '1' }, colored: false },
    { what: 'with FORCE_COLOR', env: { FORCE_COLOR: '1' }, colored: true },
  ])('$what: $colored', async ({ env, colored }) => {
    const { out, err } = await postbus(shop.connectionString, ['doctor'], { env })

    expect(out.includes(ESCAPE)).toBe(colored)
    expect(err).toBe('')
  })
})
