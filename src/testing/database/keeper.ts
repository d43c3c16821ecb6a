/**
 * The keeper of a run's Postgres server: a program, started by `run.ts`. It outlives the run by a moment, drops the run's
 * databases and stops the server; those of failed tests stay, and with them the server, for an hour to look inside.
 */
import { randomBytes } from 'node:crypto'
import { link, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { onConnection } from './administration.ts'
import { isAlive } from './embedded-postgres/cluster.ts'
import { keeperOrder, readRecord, recordIn, type KeeperOrder, type RunningServer } from './run.ts'
import { testServer, type TestServer } from './server.ts'

const LOOK_EVERY_MS = 200
const KEPT_FOR_MS = 3_600_000

await keep(keeperOrder.parse(await json(process.stdin)))

async function keep(order: KeeperOrder): Promise<void> {
  if (!(await isFirst(order.folder))) return

  const server = await start(order)
  if (server) {
    const prefix = `postbus_test_${randomBytes(4).toString('hex')}`
    const { connectionString, isOurs } = server
    await write(order.folder, { is: 'running', keeper: process.pid, prefix, connectionString, isOurs })
    await endOf(order.owner)

    // A server that was given may be gone by now, and the databases with it.
    const kept = await dropDatabases(connectionString, prefix).catch(() => 0)
    if (kept > 0 && isOurs) await delay(KEPT_FOR_MS)
    await server.stop()
  } else {
    await endOf(order.owner)
  }
  await rm(order.folder, { recursive: true, force: true })
}

/** Of several keepers the first to put its record down is the one; the record of a dead one is put away before. */
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
    const message = error instanceof Error ? error.message : String(error)
    await write(folder, { is: 'failed', keeper: process.pid, message })
    return undefined
  }
}

/** In one step: who reads it finds all of it. */
async function write(folder: string, record: RunningServer | { is: 'failed'; keeper: number; message: string }) {
  const unfinished = `${recordIn(folder)}.new`
  await writeFile(unfinished, JSON.stringify(record), { mode: 0o600 })
  await rename(unfinished, recordIn(folder))
}

async function endOf(owner: number): Promise<void> {
  while (isAlive(owner)) await delay(LOOK_EVERY_MS)
}

/** Drops the run's databases but those of failed tests, which carry a comment. Answers how many stay. */
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
