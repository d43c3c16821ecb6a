/** Test databases over a whole run of vitest, without any setup: one server, no cross-talk, and only databases of failed tests remain. */
import { execFile, spawn } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Client } from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'
import { until } from '../../support/until.ts'

const vitest = [
  resolve('node_modules/vitest/vitest.mjs'),
  'run',
  '--config',
  'test/testing/live/fixtures/vitest.config.ts',
]

test(
  'all processes of a run share one server and one migration, and the server stops with the run',
  { timeout: 60_000 },
  async () => {
    const run = await aRun(['one', 'other', 'modes'], {})

    expect(run.output).toMatch(/Tests .*15 passed/)
    expect(run.output.match(/migrated once/g)).toHaveLength(1)
    await until('the server has stopped', () => foldersOf(run.pid).length === 0)
  },
)

test('a killed run leaves nothing behind either', { timeout: 60_000 }, async () => {
  const child = spawn(process.execPath, [...vitest, 'one'], { env: environment({}), stdio: 'ignore' })
  await until('its server has started', () =>
    foldersOf(child.pid).some((folder) => existsSync(join(folder, 'postgres'))),
  )

  child.kill('SIGKILL')

  await until('the server has stopped', () => foldersOf(child.pid).length === 0)
  expect(child.signalCode).toBe('SIGKILL')
})

test(
  'the database of a failed test stays, with a line that connects to it, and all others are dropped',
  { timeout: 60_000 },
  async () => {
    const run = await aRun(['failing'], { DATABASE_URL: inject('serverUrl') })
    const line = /"it's wrong" failed\. To look into its database:\s+psql '([^']+)'/.exec(run.output)?.[1]

    expect(run.output).toMatch(/Tests .*1 failed.*2 passed/)
    const url = new URL(line ?? 'nothing:')
    expect(url.password).toBe('')
    url.password = new URL(inject('serverUrl')).password
    onTestFinished(() =>
      onDatabase(inject('serverUrl'), `drop database "${url.pathname.slice(1)}" with (force)`).then(() => undefined),
    )
    expect(await onDatabase(url.href, `select payload::jsonb #>> '{json,n}' as n from postbus.event`)).toEqual([
      { n: '2' },
    ])

    await until('the run is cleaned up', () => foldersOf(run.pid).length === 0)
    const prefix = url.pathname.slice(1, 'postbus_test_12345678'.length + 1)
    expect(
      await onDatabase(inject('serverUrl'), `select datname from pg_database where starts_with(datname, '${prefix}')`),
    ).toEqual([{ datname: url.pathname.slice(1) }])
  },
)

test('without DATABASE_URL the server of a failed run stays too, until the next run', { timeout: 60_000 }, async () => {
  const failed = await aRun(['failing'], {})
  const line = /To look into its database:\s+psql '([^']+)'/.exec(failed.output)?.[1] ?? ''
  expect(await onDatabase(line, 'select type from postbus.event')).toEqual([{ type: 'notes.note-taken' }])

  const next = await aRun(['modes'], {})

  expect(next.output).toMatch(/Tests .*3 passed/)
  await until('both servers have stopped', () => [...foldersOf(failed.pid), ...foldersOf(next.pid)].length === 0)
})

interface Run {
  readonly pid: number | undefined
  readonly output: string
}

async function aRun(cases: readonly string[], variables: Record<string, string>): Promise<Run> {
  return new Promise((done) => {
    const child = execFile(
      process.execPath,
      [...vitest, ...cases],
      { env: environment(variables) },
      (_, stdout, stderr) => done({ pid: child.pid, output: stdout + stderr }),
    )
  })
}

/** The environment of a terminal, without the variables of this test's own run. */
function environment(variables: Record<string, string>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST') && name !== 'DATABASE_URL')
  return { ...Object.fromEntries(own), NO_COLOR: '1', ...variables }
}

function foldersOf(pid: number | undefined): readonly string[] {
  return globSync(join(tmpdir(), `postbus-test-*-${pid}-*`))
}

async function onDatabase(connectionString: string, statement: string) {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows
  } finally {
    await client.end()
  }
}
