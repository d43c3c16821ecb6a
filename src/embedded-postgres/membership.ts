/**
 * Tracks which processes use the embedded Postgres. Each process that has joined holds one connection with a shared advisory lock; a
 * process that gets this lock exclusively is the last one. The server itself keeps the list of locks, so a killed process leaves the
 * list with its connection. A process that arrives while the last one stops the server is cut off, notices that, and starts it again.
 */
import { Socket } from 'node:net'
import { Client, DatabaseError } from 'pg'
import { delay } from '../clock.ts'
import { passwordOf } from './cluster.ts'
import type { Place } from './place.ts'
import type { RecordedServer } from './server.ts'

export type Membership = {
  readonly connectionString: string
  /** Such as `18.4`. */
  readonly version: string
  end(): Promise<void>
}

/** `busy`: the server is starting, stopping, recovering or full. `silent`: no server of ours responds there. */
export type JoinAnswer = { is: 'joined'; membership: Membership } | { is: 'busy' } | { is: 'silent' }

/** 'post' and 'bus' in ASCII. A lock of two numbers, because locks of one number belong to the users of the database. */
const lock = [0x706f7374, 0x627573]

const applicationName = 'postbus embedded-postgres'

export async function join(place: Place, server: RecordedServer): Promise<JoinAnswer> {
  const connectionString = await connectionStringOf(place, server)
  if (connectionString === undefined) return { is: 'silent' }

  const socket = new Socket()
  const client = newClient(connectionString, socket)
  try {
    await client.connect()
    await client.query('select pg_advisory_lock_shared($1, $2)', lock)
    const answer = await client.query<{ version: string }>(`select current_setting('server_version') as version`)
    const version = answer.rows[0]?.version ?? ''

    socket.unref() // a program that forgets to leave can still end
    return { is: 'joined', membership: { connectionString, version, end: () => (socket.ref(), client.end()) } }
  } catch (error) {
    await client.end()
    return { is: isFromAnother(error) ? 'silent' : 'busy' }
  }
}

/** Runs `stop` if no other process uses the server. No process can join meanwhile. */
export async function ifLast(place: Place, server: RecordedServer, stop: () => Promise<void>): Promise<void> {
  const connectionString = await connectionStringOf(place, server)
  if (connectionString === undefined) return

  const client = newClient(connectionString)
  try {
    if (await mayStop(client)) await stop()
  } finally {
    await client.end()
  }
}

async function mayStop(client: Client): Promise<boolean> {
  try {
    await client.connect()
    return (await isLastMember(client)) && (await hasNoGuests(client))
  } catch {
    return false // another process is stopping the server, or it was killed
  }
}

async function isLastMember(client: Client): Promise<boolean> {
  const answer = await client.query<{ last: boolean }>('select pg_try_advisory_lock($1, $2) as last', lock)
  return answer.rows[0]?.last === true
}

/** Guests are connections without a membership, such as a psql. One that just ended may be listed a moment longer. */
async function hasNoGuests(client: Client): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < 500; waitedMs += 50) {
    const guests = await client.query(
      `select from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid() and application_name <> $1`,
      [applicationName],
    )
    if (guests.rowCount === 0) return true
    await delay(50)
  }
  return false
}

/** No server listens on that port, or the server there does not know our password. */
function isFromAnother(error: unknown): boolean {
  if (error instanceof DatabaseError) return error.code === '28P01' || error.code === '28000'
  return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
}

/** `undefined` if the cluster was thrown away meanwhile. */
async function connectionStringOf(place: Place, { port }: RecordedServer): Promise<string | undefined> {
  const password = await passwordOf(place)
  return password === undefined ? undefined : `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
}

function newClient(connectionString: string, socket = new Socket()): Client {
  const connectionTimeoutMillis = 5_000
  const stream = () => socket
  const client = new Client({ connectionString, connectionTimeoutMillis, stream, application_name: applicationName })
  client.on('error', () => {}) // the server was stopped or killed, which only ends the membership
  return client
}
