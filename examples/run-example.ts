/** Runs a small example on the database of this checkout, in its own schemas, which are dropped afterwards. */
import { Client } from 'pg'
import { projectDatabase } from '../config/database.ts'

export type Tell = (line: string) => void

export interface ExamplePlace {
  readonly connectionString: string
  /** Options for `createBus`: each example has its own schemas, so examples do not disturb each other. */
  readonly schemas: { readonly schema: string; readonly pgbossSchema: string }
  readonly tell: Tell
}

export interface Example {
  /** The schema of the example's tables. */
  readonly schema: string
  /** The statements that create its tables. */
  readonly tables: string
  story(place: ExamplePlace): Promise<void>
}

export async function runExample({ schema, tables, story }: Example): Promise<void> {
  const { connectionString, which, release } = await projectDatabase()
  process.stderr.write(`Database: ${which}\n`)
  const schemas = { schema: `${schema}_postbus`, pgbossSchema: `${schema}_pgboss` }
  const clear = `drop schema if exists ${schema}, ${Object.values(schemas).join(', ')} cascade`
  const client = new Client({ connectionString })
  client.on('notice', () => undefined)
  await client.connect()
  try {
    await client.query(`${clear}; create schema ${schema}; ${tables}`)
    await story({ connectionString, schemas, tell: (line) => process.stdout.write(`${line}\n`) })
    await client.query(clear)
  } finally {
    await client.end()
    await release()
  }
}
