/** The embedded Postgres starts from any state of its folder, is shared by processes, and stops with the last of them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, watch, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { Client } from 'pg'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { type EmbeddedPostgres, embeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts'

const isRoot = process.getuid?.() === 0
const settings = { fsync: 'off' }

let checkout: string
let folder: string
let servers: EmbeddedPostgres[]

beforeEach(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'postbus-checkout-'))
  await chmod(checkout, 0o755)
  folder = join(checkout, 'postgres')
  servers = []
})

afterEach(async () => {
  for (const server of servers) await server.release()
  await rm(checkout, { recursive: true, force: true })
})

test('starts from nothing, and stops when it is released', async () => {
  const server = await start()
  expect(await ask(server, 'select 40 + 2 as answer')).toBe(42)
  expect(server.version).toMatch(/^18\./)
  expect(server.folder).toBe(folder)

  await server.release()

  await expect(ask(server, 'select 1')).rejects.toThrow('ECONNREFUSED')
})

test('keeps what was written, over a stop and a new start', async () => {
  const before = await start()
  await ask(before, 'create table note as select 42 as answer')
  await before.release()

  const after = await start()

  expect(await ask(after, 'select answer from note')).toBe(42)
})

test('is shared: a second process joins, and the last one to leave stops it', async () => {
  const first = await start()
  const second = await start()
  expect(second.connectionString).toBe(first.connectionString)

  await first.release()
  expect(await ask(second, 'select 42')).toBe(42)

  await second.release()
  await expect(ask(second, 'select 1')).rejects.toThrow('ECONNREFUSED')
})

test('does not stop while another client is connected, such as psql', async () => {
  const server = await start()
  const psql = new Client({ connectionString: server.connectionString })
  await psql.connect()

  await server.release()

  expect((await psql.query('select 42 as answer')).rows).toEqual([{ answer: 42 }])
  await psql.end()
  await (await start()).release()
  await expect(ask(server, 'select 1')).rejects.toThrow('ECONNREFUSED')
})

test('is started by only one of several processes that begin with an empty folder at the same time', async () => {
  const processes = [inAnotherProcess(), inAnotherProcess(), inAnotherProcess()]

  const connectionStrings = await Promise.all(processes.map(firstLineOf))
  expect(new Set(connectionStrings).size).toBe(1)

  const exits = processes.map((child) => once(child, 'exit'))
  for (const child of processes) child.stdin?.end()
  for (const [code] of await Promise.all(exits)) expect(code).toBe(0)
  await expect(ask({ connectionString: connectionStrings[0]! }, 'select 1')).rejects.toThrow('ECONNREFUSED')
  expect(await readdir(checkout)).toEqual(['postgres'])
})

test('outlives a killed owner, and the next process joins and stops it', async () => {
  const owner = inAnotherProcess()
  const connectionString = await firstLineOf(owner)
  owner.kill('SIGKILL')
  await once(owner, 'exit')

  const server = await start()
  expect(server.connectionString).toBe(connectionString)

  await server.release()
  await expect(ask(server, 'select 1')).rejects.toThrow('ECONNREFUSED')
})

test('starts again after its server was killed, with all committed data', async () => {
  const before = await start({})
  await ask(before, 'create table note as select 42 as answer')
  process.kill(await recordedPid(), 'SIGKILL')

  const after = await start({})

  expect(await ask(after, 'select answer from note')).toBe(42)
  await before.release()
})

test('starts again after a restart of the machine, when another process has its pid', async () => {
  const before = await start()
  const record = await readFile(pidFile(), 'utf8')
  await before.release()

  const { uid, gid } = await stat(folder)
  const another = spawn('/bin/sleep', ['60'], isRoot ? { uid, gid } : {})
  onTestFinished(() => void another.kill())
  await writeFile(pidFile(), record.replace(/^\d+/, String(another.pid)))

  const after = await start()

  expect(await ask(after, 'select 42')).toBe(42)
})

test('starts from nothing when an earlier process was killed while it created the database', async () => {
  const killed = inAnotherProcess()
  await fileToAppear('postgres.new-')
  killed.kill('SIGKILL')
  await once(killed, 'exit')

  const server = await start()

  expect(await ask(server, 'select 42')).toBe(42)
})

test('leaves no data behind when it is removed', async () => {
  const server = await start({ throwAway: true })
  const other = await start({ throwAway: true })

  await server.release()
  expect(await readdir(checkout)).toEqual(['postgres'])

  await other.release()
  expect(await readdir(checkout)).toEqual([])
})

test('says what is wrong when the folder holds other files', async () => {
  await mkdir(folder)
  await writeFile(join(folder, 'thesis.txt'), 'draft')

  await expect(start()).rejects.toThrow(`${folder} holds other files`)
})

test('works for root in a folder that only root can enter', async ({ skip }) => {
  skip(!isRoot, 'only root can make such a folder')
  await chmod(checkout, 0o700)

  const server = await start({ throwAway: true })
  const same = await start({ throwAway: true })
  expect(await ask(same, 'select 42')).toBe(42)
  expect(dirname(server.folder)).toBe('/var/lib/postbus')
  expect(same.connectionString).toBe(server.connectionString)

  await Promise.all([server.release(), same.release()])
  expect(await readdir('/var/lib/postbus')).not.toContain(basename(server.folder))
})

async function start(options: { throwAway?: boolean; settings?: Record<string, string> } = { settings }) {
  const server = await embeddedPostgres({ folder, ...options })
  servers.push(server)
  return server
}

async function ask({ connectionString }: Pick<EmbeddedPostgres, 'connectionString'>, question: string) {
  const client = new Client({ connectionString })
  await client.connect()
  const { rows } = await client.query<[unknown]>({ text: question, rowMode: 'array' })
  await client.end()
  return rows[0]?.[0]
}

/** A process that prints the connection string when the server is ready, and releases the server when its input ends. */
function inAnotherProcess(): ChildProcess {
  const module = new URL('../../src/embedded-postgres/embedded-postgres.ts', import.meta.url).href
  const program = `
    const { embeddedPostgres } = await import(${JSON.stringify(module)})
    const server = await embeddedPostgres(${JSON.stringify({ folder, settings })})
    console.log(server.connectionString)
    process.stdin.resume().once('end', () => server.release())`
  return spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['pipe', 'pipe', 'inherit'] })
}

async function firstLineOf(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) return line
  throw new Error('expected a line, but the process ended')
}

async function fileToAppear(prefix: string): Promise<void> {
  for await (const { filename } of watch(checkout)) if (filename?.startsWith(prefix)) return
}

async function recordedPid(): Promise<number> {
  return Number((await readFile(pidFile(), 'utf8')).split('\n')[0])
}

function pidFile(): string {
  return join(folder, 'data', 'postmaster.pid')
}
