/**
 * A Postgres server where none is given: real Postgres from npm, with its data in a folder. The first process that needs
 * the server starts it, others join it, and the last one to leave stops it.
 */
import { rm } from 'node:fs/promises'
import { binariesFor } from './binaries.ts'
import { type Installation, moveAway } from './cluster.ts'
import { joinOrStart } from './join-or-start.ts'
import { ifLast } from './membership.ts'
import { placeFor } from './place.ts'
import { type Settings, recordedServer, stopServer } from './server.ts'

export type EmbeddedPostgresOptions = {
  /** One server per folder. */
  folder: string
  /** Settings of Postgres, such as `{ max_connections: '200' }`. The process that starts the server decides: one that joins it changes nothing. Default: none. */
  settings?: Settings
  /** Whether the last one to leave also deletes the data. Default: false. */
  throwAway?: boolean
}

export type EmbeddedPostgres = {
  /** A superuser's connection to the database `postgres`, on 127.0.0.1. */
  readonly connectionString: string
  /** The version of Postgres, such as `18.4`. */
  readonly version: string
  /** Where the data lies: the folder that was asked for, or what stands in for it where only root could reach that. */
  readonly folder: string
  /** Stops the server if no other process uses it. Close your own connections first. A second call does nothing. */
  release(): Promise<void>
}

/**
 * Joins the folder's server, and starts it first if it does not run: about a second from nothing, a quarter of that
 * later. A process that ends without `release` leaves the server running, for the next one to join.
 */
export async function embeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { folder, settings = {}, throwAway = false } = options
  const place = await placeFor(folder)
  const installation = { ...place, binaries: await binariesFor(place.account) }
  const membership = await joinOrStart(installation, settings)

  let leaving: Promise<void> | undefined
  const leave = async () => {
    await membership.end()
    await stopIfUnused(installation, throwAway)
  }
  const { connectionString, version } = membership
  return { connectionString, version, folder: place.folder, release: () => (leaving ??= leave()) }
}

async function stopIfUnused(installation: Installation, throwAway: boolean): Promise<void> {
  const server = await recordedServer(installation.folder)
  if (!server) return

  await ifLast(installation, server, async () => {
    if (!throwAway) return stopServer(installation.folder)

    // Out of the way before it stops: a process that comes now starts from nothing and finds no half-deleted data.
    const away = await moveAway(installation)
    await stopServer(away)
    await rm(away, { recursive: true, force: true })
  })
}
