/** Runs the example on a database: migrates, makes the table with its triggers, types the session, and lets a worker do the rest. */
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
    await bus.migrate() // registers what SQL may publish
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

/** As psql shows it: the rows, or the error with what mends it. */
async function type(client: Client, statement: string, tell: Tell): Promise<void> {
  tell(`psql> ${statement}`)
  try {
    const results = [await client.query<Record<string, unknown>>(statement)].flat() // a list, of several statements
    for (const row of results.flatMap(({ rows }) => rows)) tell(`  ${Object.values(row).join(' | ')}`)
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    tell(`  ERROR ${error.code}: ${error.message}`)
    tell(`  DETAIL: ${error.detail}`)
    tell(`  HINT: ${error.hint}`)
  }
}
