/** The bus on the other side of a broker. It has its own schemas, receives messages as CloudEvents or as plain JSON, and notes each one. */
import { Pool } from 'pg'
import { z } from 'zod'
import {
  createBus,
  defineEvent,
  defineSource,
  type Bus,
  type BusSignal,
  type BusSignalName,
} from '../../../src/index.ts'
import { readCloudEvent, type CloudEventMessage } from '../../../src/nats/index.ts'
import { inTransaction } from '../../support/in-transaction.ts'

const Note = z.object({ n: z.number(), key: z.string().nullable().default(null) })

export const NoteHeard = defineEvent('second.note-heard', { schema: Note, partitionKey: ({ key }) => key })

export interface AnyMessage extends CloudEventMessage {
  readonly id: string
  json(): unknown
}

/** The id is that of the CloudEvent, or of the message if it is no CloudEvent. */
export const notes = defineSource('first-bus', {
  id: (message: AnyMessage) => (isCloudEvent(message) ? readCloudEvent(message).id : message.id),
  event: (message) => {
    if (!isCloudEvent(message)) return NoteHeard(Note.parse(message.json()))
    const { data, options } = readCloudEvent(message)
    return NoteHeard(Note.parse(data), options)
  },
})

function isCloudEvent(message: AnyMessage): boolean {
  return message.text().includes('"specversion"') || 'ce-specversion' in message.headers
}

export interface SecondBus {
  readonly bus: Bus
  readonly pool: Pool
  readonly signals: BusSignal[]
  close(): Promise<void>
}

const SCHEMAS = { schema: 'second', pgbossSchema: 'second_boss' }

/** `afterCommit` runs between a commit and the acknowledgement. */
export function secondBus(connectionString: string, afterCommit: () => unknown = () => undefined): SecondBus {
  const pool = new Pool({ connectionString, max: 5 })
  pool.on('error', () => undefined)
  const signals: BusSignal[] = []
  const bus = createBus({
    connectionString,
    ...SCHEMAS,
    events: [NoteHeard],
    transaction: async (work) => {
      await inTransaction(pool, 'begin', (tx) => work(tx))
      await afterCommit()
    },
    onSignal: (signal) => signals.push(signal),
  })
  return {
    bus,
    pool,
    signals,
    async close() {
      await bus.close()
      await pool.end()
    },
  }
}

/** Creates the schemas of the second bus, and the table of effects. */
export async function prepareSecond(connectionString: string): Promise<void> {
  const { bus, pool, close } = secondBus(connectionString)
  await bus.migrate()
  await pool.query(
    'create table heard (place bigint generated always as identity, message text, n integer, key text, pid integer)',
  )
  await close()
}

export interface Heard {
  readonly n: number
  readonly key: string | null
  readonly message: string
}

/** The effects, in the order of their commits: only one consumer writes at a time. */
export async function heard(pool: Pool): Promise<readonly Heard[]> {
  const { rows } = await pool.query<Heard>('select n, key, message from heard order by place')
  return rows
}

export async function eventsHeard(pool: Pool): Promise<readonly { n: number; correlationId: string }[]> {
  const { rows } = await pool.query<{ n: number; correlationId: string }>(
    `select (payload #>> '{json,n}')::integer as n, correlation_id as "correlationId" from second.event order by seq`,
  )
  return rows
}

/** Writes the effect of a message, in the message's transaction. */
export async function note(message: AnyMessage, tx: unknown): Promise<void> {
  const event = notes.event(message) as { data: z.output<typeof Note> }
  await (tx as Pool).query('insert into heard (message, n, key, pid) values ($1, $2, $3, $4)', [
    notes.id(message),
    event.data.n,
    event.data.key,
    process.pid,
  ])
}

export function numbers(all: readonly Pick<Heard, 'n'>[]): number[] {
  return all.map(({ n }) => n)
}

export function named({ signals }: SecondBus, name: BusSignalName) {
  return signals.filter((signal) => signal.name === name)
}
