/**
 * The keeper of a test run's Postgres server: a program, started by `run.ts`. After the run it drops the run's databases,
 * stops the server and exits. Databases of failed tests stay, and so does the server, so that you can look inside: until the
 * next run of the project, and for an hour at most.
 */
import { randomBytes } from 'node:crypto'
import { link, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { json } from 'node:stream/consumers'
import { delay, sleep } from '../../clock.ts'
import { safeTextOfError } from '../../error-text.ts'
import { onConnection } from './administration.ts'
import { isAlive } from '../../embedded-postgres/cluster.ts'
import { keeperOrder, readRecord, recordIn, runFolder, type KeeperOrder, type RunRecord } from './run.ts'
import { testServer, type TestServer } from './server.ts'

const LOOK_EVERY_MS = 200
const KEPT_FOR_MS = 3_600_000

await keep(keeperOrder.parse(await json(process.stdin)))

async function keep(order: KeeperOrder): Promise<void> {
  if (!(await isFirst(order.folder))) return

  const server = await start(order)
  await endKept()
  if (server) {
    const prefix = `postbus_test_${randomBytes(4).toString('hex')}`
    const { connectionString, isOurs } = server
    await write(order.folder, { is: 'running', keeper: process.pid, prefix, connectionString, isOurs })
    await endOf(order.owner)

    // A server that we did not start may be gone by now, and the databases with it.
    const kept = await dropDatabases(connectionString, prefix).catch(() => 0)
    if (kept > 0 && isOurs) await keepOn(order.folder)
    await server.stop()
  } else {
    await endOf(order.owner)
  }
  await rm(order.folder, { recursive: true, force: true })
}

/** Of several keepers only the first to write its record goes on. A dead keeper's record is deleted before. */
async function isFirst(folder: string): Promise<boolean> {
  if (await readRecord(folder)) return false
  await rm(recordIn(folder), { force: true })

  const mine = `${recordIn(folder)}.${process.pid}`
  await writeFile(mine, JSON.stringify({ is: 'starting', keeper: process.pid }), { mode: 0o600 })
  const first = await link(mine, recordIn(folder)).then(
    () => true,
    () => false, // another was faster
  )
  await rm(mine)
  return first
}

async function start({ folder, databaseUrl }: KeeperOrder): Promise<TestServer | undefined> {
  try {
    return await testServer({ databaseUrl, folder: join(folder, 'postgres') })
  } catch (error) {
    const message = safeTextOfError(error)
    await write(folder, { is: 'failed', keeper: process.pid, message })
    return undefined
  }
}

/** Replaces the record in one step, so that a reader always finds a complete one. */
async function write(folder: string, record: RunRecord): Promise<void> {
  const unfinished = `${recordIn(folder)}.new`
  await writeFile(unfinished, JSON.stringify(record), { mode: 0o600 })
  await rename(unfinished, recordIn(folder))
}

async function endOf(owner: number): Promise<void> {
  while (isAlive(owner)) await delay(LOOK_EVERY_MS)
}

/** Drops the run's databases. It keeps the databases of failed tests, which carry a comment. Returns how many stay. */
async function dropDatabases(connectionString: string, prefix: string): Promise<number> {
  return onConnection(connectionString, async (client) => {
    const { rows } = await client.query<{ name: string; kept: boolean }>(
      `select datname as name, shobj_description(oid, 'pg_database') is not null as kept
      from pg_database where starts_with(datname, $1)`,
      [prefix],
    )
    const gone = rows.filter(({ kept }) => !kept)
    for (const { name } of gone) await client.query(`drop database if exists "${name}" with (force)`)
    return rows.length - gone.length
  })
}

/** Keeps the server until the keeper of a later run ends this process, or for an hour. */
async function keepOn(folder: string): Promise<void> {
  const enough = new AbortController()
  process.once('SIGTERM', () => enough.abort())
  await write(folder, { is: 'kept', keeper: process.pid, project: process.cwd() })
  await sleep(KEPT_FOR_MS, enough.signal)
}

/** Ends the keepers of earlier runs of this project: the databases that they kept have been looked at by now. */
async function endKept(): Promise<void> {
  const names = await readdir(dirname(runFolder))
  for (const name of names.filter((one) => one.startsWith(`${basename(runFolder)}-`))) {
    const found = await readRecord(join(dirname(runFolder), name)).catch(() => undefined) // its keeper is deleting it
    if (found?.is === 'kept' && found.project === process.cwd()) process.kill(found.keeper, 'SIGTERM')
  }
}
