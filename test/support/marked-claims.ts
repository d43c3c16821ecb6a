/** Claims by hand that pass on the marks of the claim before, on separate connections, whose transactions a test can hold open. */
import { Client, Pool } from 'pg'
import { createFunctions } from '../../src/backends/postgres/functions/index.ts'
import { tablesIn } from '../../src/backends/postgres/schema/tables.ts'
import { createBus, defineEvent, defineHandler } from '../../src/index.ts'
import { z } from 'zod'
import { blocksRead } from './blocks-read.ts'
import { breakFunction } from './break-function.ts'
import { startEmbeddedServer } from './embedded-server.ts'
import { emptyTables } from './stored.ts'

export const Marked = defineEvent('marks.marked', {
  schema: z.object({ key: z.string().nullable() }),
  partitionKey: ({ key }) => key,
})

const HANDLER = 'marks.follow'

interface Row {
  readonly id: string | null
  readonly claim: number
  readonly slow: boolean | null
  readonly marks_now: string | null
}

export type Kind = 'plain' | 'in lanes'

/** One worker's claims of one queue. */
export class MarkedClaims {
  readonly client: Client
  readonly #call: string
  marks = '{}'
  /** How many deliveries the handler may still run. `null`: it has no limit. */
  free: number | null = null
  /** The rows that the last claim returned. */
  claimed: readonly Row[] = []
  /** Whether the last claim was slow. Then a worker hands in marks. */
  isSlow = false

  constructor(client: Client, kind: Kind) {
    this.client = client
    this.#call =
      kind === 'plain'
        ? `postbus.claim_2('events', 10, $2::jsonb, $1::jsonb, null, null)`
        : `postbus.claim_lanes_2('events_partitioned', 10, $2::jsonb, $1::jsonb, '', 0, null, null)`
  }

  get #values(): readonly (string | null)[] {
    return [this.marks, this.free === null ? null : JSON.stringify([{ handler: HANDLER, free: this.free }])]
  }

  /** Claims, and remembers the marks. Returns how many deliveries were claimed. */
  async claim(times = 1): Promise<number> {
    for (let time = 0; time < times; time += 1) {
      const { rows } = await this.client.query<Row>(`select * from ${this.#call}`, [...this.#values])
      this.marks = rows.at(-1)?.marks_now ?? this.marks
      this.claimed = rows.filter(({ id }) => id !== null)
      this.isSlow = rows.at(-1)?.slow ?? false
    }
    return this.claimed.length
  }

  /** How many blocks a claim reads. */
  async blocks(): Promise<number> {
    return blocksRead(this.client, `select * from ${this.#call}`, this.#values)
  }
}

export async function openMarks(kind: Kind) {
  const handler = defineHandler(HANDLER, { on: Marked, handle: () => undefined })
  // A server of its own, because any open transaction in the server, in any database, holds the marks back.
  const server = await startEmbeddedServer()
  const { connectionString } = server
  const bus = createBus({ connectionString, handlers: [handler], onSignal: () => undefined })
  await bus.migrate()
  const database = new Pool({ connectionString, max: 3 })
  const clients: Client[] = []
  let keys = 0

  async function connect(): Promise<Client> {
    const client = new Client({ connectionString })
    client.on('error', () => undefined)
    clients.push(client)
    await client.connect()
    return client
  }

  return {
    database,
    connect,
    worker: async () => new MarkedClaims(await connect(), kind),
    /** Publishes one event, in a lane of its own if there are lanes. */
    publish: (tx?: Client) =>
      bus.publish(Marked({ key: kind === 'plain' ? null : `key ${keys++}` }), tx === undefined ? {} : { tx }),
    settle: (client: Client, how: { readonly claimed: readonly Row[]; readonly outcome: 'retry' | 'later' }) =>
      client.query(
        kind === 'plain'
          ? `select postbus.settle_2('events', '{}', '{}', $1)`
          : `select postbus.settle_lanes_2('events_partitioned', '{}', '{}', $1, array(select (one ->> 'id')::uuid from jsonb_array_elements($1) one), 0, null)`,
        [
          JSON.stringify(
            how.claimed.map(({ id, claim }) => ({ id, claim, outcome: how.outcome, delay_ms: 0, blocks: false })),
          ),
        ],
      ),
    /** Runs another transaction, unrelated to the queue. */
    someoneWrites: () => database.query('select pg_current_xact_id()'),
    break: (piece: string | RegExp, replacement: string) =>
      breakFunction(database, kind === 'plain' ? 'postbus.claim_2' : 'postbus.claim_lanes_2', { piece, replacement }),
    breakPublish: (piece: string | RegExp, replacement: string) =>
      breakFunction(database, 'postbus.publish', { piece, replacement }),
    empty: () => emptyTables(database),
    /** Ends open connections, and repairs broken functions. */
    async tidy(): Promise<void> {
      await Promise.all(clients.splice(0).map((client) => client.end()))
      await createFunctions(database, tablesIn({ postbus: 'postbus', pgboss: 'pgboss' }))
    },
    async close(): Promise<void> {
      await Promise.all(clients.map((client) => client.end()))
      await database.end()
      await bus.close()
      await server.remove()
    },
  }
}

export type Marks = Awaited<ReturnType<typeof openMarks>>
