/**
 * Runs the example on a database: migrates, creates the table with its triggers, runs the statements of the session, and lets a worker
 * handle the events.
 */
import { readFile } from 'node:fs/promises'
import { Client, DatabaseError } from 'pg'
import { createBus, printSignals } from '../../src/index.ts'
import { OrderCancelled, OrderPlaced } from './events.ts'
import { shopHandlers, type Tell } from './handlers.ts'

const file = (name: string) => readFile(new URL(name, import.meta.url), 'utf8')

export async function sqlExample(connectionString: string, tell: Tell): Promise<void> {
  const handlers = shopHandlers((line) => tell(`worker> ${line}`))
  const bus = createBus({
    connectionString,
    events: [OrderPlaced, OrderCancelled],
    handlers,
    onSignal: printSignals('warn'),
  })
  const client = new Client({ connectionString })
  await client.connect()
  try {
    await bus.migrate() // registers the event types that SQL may publish
    await client.query(await file('trigger.sql'))
    for (const statement of statementsIn(await file('session.sql'))) await type(client, statement, tell)
    await bus.worker().drain()
    for (const { type: eventType, version, needsKey } of await bus.publishableTypes())
      tell(`SQL may publish ${eventType} version ${version}${needsKey ? ', with a partition_key' : ''}`)
  } finally {
    await client.end()
    await bus.close()
  }
}

function statementsIn(session: string): readonly string[] {
  return session.split('\n').filter((line) => line !== '' && !line.startsWith('--'))
}

/** Prints as psql does: the rows, or the error with its detail and hint. */
async function type(client: Client, statement: string, tell: Tell): Promise<void> {
  tell(`psql> ${statement}`)
  try {
    const results = [await client.query<Record<string, unknown>>(statement)].flat() // an array if there are several statements
    for (const row of results.flatMap(({ rows }) => rows)) tell(`  ${Object.values(row).join(' | ')}`)
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    tell(`  ERROR ${error.code}: ${error.message}`)
    tell(`  DETAIL: ${error.detail}`)
    tell(`  HINT: ${error.hint}`)
  }
}
