/** One connection of a pool, lent to us for one statement or one transaction. */
import type { QueryConfig } from 'pg'
import { PostbusError } from '../../../errors.ts'
import { answerWithin, NEVER_MS } from './answer-within.ts'
import type { PgPool } from './given.ts'
import { OWN_TYPES } from './parsers.ts'
import { isOutdated } from './prepared-statements.ts'
import type { Statement } from './queryable.ts'

/** A statement, with the name it is prepared under, if it is prepared. */
export type Sent = Omit<Statement, 'name'> & { readonly name?: string | undefined }

export interface LentConnection {
  /** Whether its session is ours alone. */
  readonly isOwn: boolean
  send<Row extends object>(statement: Sent): Promise<{ rows: Row[] }>
  /** True after any error other than a statement that the server refused. The connection may then be in any state, and is closed. */
  isLost(): boolean
}

export interface Limits {
  readonly connectTimeoutMs: number
  readonly queryTimeoutMs: number
}

export interface Lender extends Limits {
  readonly pool: PgPool
  isOwn(client: object): boolean
}

/** The members that are used of a connection of the `pg` package. */
interface Client {
  readonly binary?: boolean
  query<Row>(statement: QueryConfig & { query_timeout: number }): Promise<{ rows: Row[] }>
  on(event: 'error', listener: () => void): void
  removeListener(event: 'error', listener: () => void): void
  release(broken?: boolean): void
}

/** Lends a connection of the pool to `work`. Afterwards it goes back, or is closed when it is lost. */
export async function withConnection<Result>(
  lender: Lender,
  work: (connection: LentConnection) => Promise<Result>,
): Promise<Result> {
  const client = await connectWithin(lender.pool, lender.connectTimeoutMs)
  if (client.binary) {
    client.release()
    throw readsBinary()
  }
  client.on('error', ignore) // when the connection breaks, its statement fails too
  const lent = lend(client, lender)
  try {
    return await work(lent)
  } finally {
    client.removeListener('error', ignore)
    client.release(lent.isLost())
  }
}

const ignore = () => undefined

function lend(client: Client, { isOwn, queryTimeoutMs }: Lender): LentConnection {
  let isLost = false
  return {
    isOwn: isOwn(client),
    isLost: () => isLost,
    async send<Row extends object>({ text, values = [], name, rowMode, types = OWN_TYPES }: Sent) {
      const config = { text, values, types, query_timeout: NEVER_MS }
      try {
        const answer = client.query<Row>({ ...config, ...(name && { name }), ...(rowMode && { rowMode }) })
        answer.catch(ignore) // it may reject after the time limit, when nothing awaits it
        return await answerWithin(queryTimeoutMs, answer)
      } catch (error) {
        isLost ||= !isRefusal(error)
        throw error
      }
    },
  }
}

/** Whether the server has refused one statement, and the connection can be used further. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, 'severity') === 'ERROR' && !isOutdated(error)
}

/** Limits the wait, because the application's pool may have no limit of its own. */
async function connectWithin(pool: PgPool, ms: number): Promise<Client> {
  const connecting = pool.connect() as Promise<Client>
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, ms, null)
  })
  const client = await Promise.race([connecting, late]).finally(() => clearTimeout(timer))
  if (client) return client
  connecting.then((tooLate) => tooLate.release(), ignore)
  throw new Error(`timeout exceeded when trying to connect: no connection of the pool was free within ${ms} ms`)
}

function readsBinary(): PostbusError {
  return new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    'The `pool` given to createBus() reads rows in binary form, and pg loses bytes of it: make it without `binary: true`, and leave `pg.defaults.binary` as it is.',
  )
}
