/**
 * One Postgres server for a whole test run. The first process that needs it starts a keeper: a process of its own that
 * starts the server, writes down where it is, and stops it when the run is over, however the run ends.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, open, readFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { delay, performance } from '../../clock.ts'
import { PostbusError } from '../../errors.ts'
import { isAlive } from '../../embedded-postgres/cluster.ts'
import { databaseUrl, ownerOfRun } from './environment.ts'

/** Long, because a container's image may have to be pulled first. */
const PATIENCE_MS = 180_000

const record = z.discriminatedUnion('is', [
  z.object({ is: z.literal('starting'), keeper: z.int() }),
  z.object({ is: z.literal('failed'), keeper: z.int(), message: z.string() }),
  /** The run is over, but there are databases to look at. */
  z.object({ is: z.literal('kept'), keeper: z.int(), project: z.string() }),
  z.object({
    is: z.literal('running'),
    keeper: z.int(),
    /** The names of the run's databases begin with this. */
    prefix: z.string(),
    connectionString: z.string(),
    isOurs: z.boolean(),
  }),
])

/** The keeper's record of its server, as it is in the file. */
export type RunRecord = z.infer<typeof record>
export type RunningServer = Extract<RunRecord, { is: 'running' }>

/** The order that the keeper gets when it starts. */
export const keeperOrder = z.object({ folder: z.string(), owner: z.int(), databaseUrl: z.string().optional() })
export type KeeperOrder = z.infer<typeof keeperOrder>

export const recordIn = (folder: string) => join(folder, 'server.json')

/** The beginning of the path of each of the user's run folders. `-`, the owner's pid and a hash follow. */
export const runFolder = join(tmpdir(), `postbus-test-${userInfo().username}`)

/** Returns the server of this run, and starts it if necessary. `given` is a server to use instead of one of our own. */
export async function serverOfThisRun(given: string | undefined): Promise<RunningServer> {
  const url = given ?? databaseUrl()
  const owner = ownerOfRun()
  const folder = `${runFolder}-${owner}-${shortHash(url ?? '')}`
  await mkdir(folder, { recursive: true, mode: 0o755 })

  const startedAt = performance.now()
  let keeper: ChildProcess | undefined
  while (performance.now() - startedAt < PATIENCE_MS) {
    const hasEnded = keeper !== undefined && keeper.exitCode !== null // read before the record: this keeper may have ended because another one is at work
    const found = await readRecord(folder)
    if (found?.is === 'running') return found
    if (found?.is === 'failed') throw new PostbusError('POSTBUS_TEST_DATABASE_FAILED', found.message)
    if (!found && hasEnded) break
    if (!found) keeper ??= await startKeeper({ folder, owner, ...(url !== undefined && { databaseUrl: url }) })
    await delay(20)
  }
  throw new PostbusError(
    'POSTBUS_TEST_DATABASE_FAILED',
    `There is no Postgres server. What happened stands in ${logIn(folder)}.`,
  )
}

/** A run can use several servers, each with a keeper of its own. */
function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

/** Returns undefined when no keeper is at work. The record of a dead keeper does not count. */
export async function readRecord(folder: string): Promise<RunRecord | undefined> {
  const text = await readFile(recordIn(folder), 'utf8').catch(() => undefined) // no keeper has begun
  if (text === undefined) return undefined
  const found = record.parse(JSON.parse(text))
  return isAlive(found.keeper) ? found : undefined
}

/** Starts the keeper in a session of its own, so that Ctrl-C in a terminal ends the run but not the keeper, which cleans up. */
async function startKeeper(order: KeeperOrder): Promise<ChildProcess> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const program = fileURLToPath(new URL(`./keeper.${extension}`, import.meta.url))
  const log = await open(logIn(order.folder), 'a')
  const keeper = spawn(process.execPath, [program], { detached: true, stdio: ['pipe', 'ignore', log.fd] })
  await log.close()
  keeper.stdin?.on('error', () => undefined) // it ended before it read: its log says why
  keeper.stdin?.end(JSON.stringify(order)) // not as an argument: the order can hold a password, and every user can list arguments
  keeper.unref()
  return keeper
}

function logIn(folder: string): string {
  return join(folder, 'keeper.log')
}
