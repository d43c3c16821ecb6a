/**
 * Chooses where the embedded Postgres keeps its data: in the requested folder, unless that lies where only root can
 * enter. Then a folder under `/var/lib/postbus` is used instead.
 */
import { createHash } from 'node:crypto'
import { chmod, mkdir, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { type Account, accountFor, canRun } from './account.ts'
import { unavailable } from './unavailable.ts'

export type Place = {
  /** Holds the data, the password and the log; see `cluster.ts`. */
  readonly folder: string
  /** Who owns the folder and runs Postgres. */
  readonly account: Account
}

/** Not a temporary folder: such folders are cleaned by age, and a database has files that are not touched for months. */
const reachableFolder = '/var/lib/postbus'

export async function placeFor(wantedFolder: string): Promise<Place> {
  const wanted = await withRealParent(resolve(wantedFolder))
  if (process.getuid?.() !== 0) return { folder: wanted, account: {} }

  for (const folder of [wanted, await standInFor(wanted)]) {
    const account = await accountFor(folder)
    if (await canEnter(account, dirname(folder))) return { folder, account }
  }
  throw unavailable(`only root can enter ${dirname(wanted)} and ${reachableFolder}, and root cannot run Postgres`)
}

/** A folder that every account of this machine can enter. Root only. */
export async function reachableByAll(): Promise<string> {
  await mkdir(reachableFolder, { recursive: true })
  await chmod(reachableFolder, 0o755) // mkdir alone would obey a strict umask
  return reachableFolder
}

/** Resolves links in the path, so that every process uses the same name for a folder. */
async function withRealParent(folder: string): Promise<string> {
  await mkdir(dirname(folder), { recursive: true })
  return join(await realpath(dirname(folder)), basename(folder))
}

async function standInFor(folder: string): Promise<string> {
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, 16)
  return join(await reachableByAll(), `${basename(folder)}-${hash}`)
}

/** Asks the kernel, as that account: mode bits alone do not tell about access lists and mounts. */
async function canEnter(account: Account, folder: string): Promise<boolean> {
  return canRun(account, '/bin/sh', '-c', 'test -x "$1"', 'sh', folder)
}
