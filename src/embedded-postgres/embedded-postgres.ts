/**
 * A Postgres server for when none is given: real Postgres from npm, with its data in a folder. The first process that needs
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
  /** Settings of Postgres, such as `{ max_connections: '200' }`. Only the process that starts the server sets them, not one that joins. Default: none. */
  settings?: Settings
  /** Whether the last process to leave also deletes the data. Default: false. */
  throwAway?: boolean
}

export type EmbeddedPostgres = {
  /** A superuser's connection to the database `postgres`, on 127.0.0.1. */
  readonly connectionString: string
  /** The version of Postgres, such as `18.4`. */
  readonly version: string
  /** The folder of the data: the requested one, or its replacement if only root can reach the requested one. */
  readonly folder: string
  /** Stops the server if no other process uses it. Close your own connections first. A second call does nothing. */
  release(): Promise<void>
}

/**
 * Joins the folder's server, and starts it first if it does not run. A start takes about a second from nothing, and a quarter
 * of that later. A process that ends without `release` leaves the server running, for the next one to join.
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

    // The data is moved away before the server stops: a process that comes now starts from nothing and finds no half-deleted data.
    const away = await moveAway(installation)
    await stopServer(away)
    await rm(away, { recursive: true, force: true })
  })
}
