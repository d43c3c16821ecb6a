/** The Postgres that this checkout runs when DATABASE_URL names no other: real Postgres from npm, with its data in `.postbus`. */
import { resolve } from 'node:path'
import { type EmbeddedPostgres, embeddedPostgres } from '../src/embedded-postgres/embedded-postgres.ts'

const folder = resolve(import.meta.dirname, '../.postbus/postgres')

/** Joins the checkout's server. Starts the server first if it does not run. */
export function checkoutPostgres(): Promise<EmbeddedPostgres> {
  return embeddedPostgres({ folder })
}
