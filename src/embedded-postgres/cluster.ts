/**
 * A cluster: the files of one Postgres server. It is made beside its place and moved there when it is complete, so a
 * process that dies half-way leaves nothing that could be mistaken for a database.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { runAs } from './account.ts'
import type { Place } from './place.ts'
import { unavailable } from './unavailable.ts'

export type Installation = Place & {
  /** The folder of the Postgres programs. */
  readonly binaries: string
}

/** The paths inside a cluster's folder. */
export const dataIn = (folder: string) => join(folder, 'data')
export const logIn = (folder: string) => join(folder, 'server.log')
const passwordIn = (folder: string) => join(folder, 'password')

/** The superuser's password; `undefined` if there is no cluster. */
export async function passwordOf({ folder }: Place): Promise<string | undefined> {
  if (!existsSync(passwordIn(folder))) return undefined
  return readFile(passwordIn(folder), 'utf8')
}

/**
 * Makes the cluster if there is none. Several processes may do this at once: the first to finish provides it. The cluster can be
 * gone again right afterwards, if that process throws it away.
 */
export async function makeCluster(installation: Installation): Promise<void> {
  if (existsSync(passwordIn(installation.folder))) return

  await removeLeftovers(installation)
  const unfinished = await initialise(installation)
  try {
    await rename(unfinished, installation.folder)
  } catch (cause) {
    await rm(unfinished, { recursive: true })
    if (await isOccupied(installation)) throw occupied(installation, cause)
  }
}

/** Renames the cluster's folder while its server runs. The server goes on with the same files, which no other process will find. */
export async function moveAway({ folder }: Place): Promise<string> {
  const away = `${folder}.old-${process.pid}`
  await rename(folder, away)
  return away
}

async function initialise({ folder, account, binaries }: Installation): Promise<string> {
  const unfinished = await mkdtemp(`${folder}.new-${process.pid}-`).catch((cause) => {
    throw unavailable(`nothing can be written to ${dirname(folder)}; perhaps root made it`, cause)
  })
  await writeFile(passwordIn(unfinished), randomBytes(24).toString('base64url'), { mode: 0o600 })
  if (account.uid !== undefined && account.gid !== undefined) {
    await chown(unfinished, account.uid, account.gid)
    await chown(passwordIn(unfinished), account.uid, account.gid)
  }

  // The built-in locale is the same on every machine, also where the system has no locales.
  const locale = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--encoding=UTF8']
  const access = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordIn(unfinished)}`]
  const options = [`--pgdata=${dataIn(unfinished)}`, '--no-instructions', ...access, ...locale]
  await promisify(execFile)(join(binaries, 'initdb'), options, runAs(account))
  return unfinished
}

/** Deletes the files that killed processes left beside the cluster. */
async function removeLeftovers({ folder }: Place): Promise<void> {
  for (const name of await readdir(dirname(folder))) {
    const pid = name.startsWith(basename(folder)) && /\.(?:new|old)-(\d+)/.exec(name)?.[1]
    if (!pid || isAlive(Number(pid))) continue
    // An initdb that outlived its process may still be writing there. Then the next process removes it.
    await rm(join(dirname(folder), name), { recursive: true, force: true }).catch(() => {})
  }
}

/** Whether some process has this pid. It may be another process than the one that once had this pid. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

async function isOccupied({ folder }: Place): Promise<boolean> {
  const files = await readdir(folder).catch((error: NodeJS.ErrnoException) => error.code)
  if (files === undefined || files === 'ENOENT' || files.length === 0) return false
  return !files.includes(basename(passwordIn(folder)))
}

function occupied({ folder }: Place, cause: unknown): Error {
  return unavailable(`${folder} holds other files or belongs to another user; delete it to start from nothing`, cause)
}
