/**
 * A connection of our own. It asks where the database is when it connects, and not when its pool is made: a password that
 * rotates, or a server that moves, is found by the next connection.
 */
import { Client, type ClientConfig } from 'pg'
import { PostbusError } from '../../../errors.ts'
import type { Ask, ClientClass } from './given.ts'

type Connected = ((error: Error) => void) | ((error: null, client: Client) => void)

/** The properties of a client that depend on where it connects. */
const PLACE = [
  'host',
  'port',
  'database',
  'user',
  'ssl',
  'sslNegotiation',
  'connectionParameters',
  'connection',
] as const

/** Switches off the limits of `pg.defaults`. pg would send them at the start, which poolers refuse; `session.ts` sets our own. */
const NO_LIMITS = { statement_timeout: false, lock_timeout: false, idle_in_transaction_session_timeout: false }

/** @param limitMs How long `ask` may take. */
export function ownClient(ask: Ask, limitMs: number, Base: ClientClass = Client): ClientClass {
  return class OwnClient extends Base {
    readonly #made: ClientConfig | undefined

    constructor(made?: ClientConfig) {
      super(made)
      this.#made = made
      this.on('error', () => undefined) // it may break before its owner listens; then its next statement fails
      Reflect.set(this, 'binary', false) // with `pg.defaults.binary`, pg loses bytes of what it reads
    }

    override connect(): Promise<Client>
    override connect(done: Connected): void
    override connect(done?: Connected): Promise<Client> | void {
      const connected = this.#connect()
      if (!done) return connected
      const tell = done as (error: Error | null, client?: Client) => void
      connected.then((client) => tell(null, client), tell)
    }

    async #connect(): Promise<Client> {
      const asked = new Base({ ...this.#made, ...(await withinMs(limitMs, ask())) })
      for (const name of PLACE) Reflect.set(this, name, Reflect.get(asked, name))
      Object.assign(Reflect.get(this, 'connectionParameters') as object, NO_LIMITS)
      this.password = asked.password
      return super.connect()
    }
  }
}

async function withinMs<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooLate(ms)), ms)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

function tooLate(ms: number): PostbusError {
  return new PostbusError(
    'POSTBUS_DATABASE_UNREACHABLE',
    `The function that returns the connection string or the password has not returned within ${ms} ms: raise connectTimeoutMs, or make it faster.`,
  )
}
