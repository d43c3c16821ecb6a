/**
 * The names of tenants' schemas and of databases. Each Postbus schema has a second schema for pg-boss, whose name is derived from its own.
 */
import { PostbusError } from '../errors.ts'
import { SCHEMA_NAME } from '../names.ts'

const OF_PGBOSS = '_pgboss'
const MOST = 48 - OF_PGBOSS.length
const DATABASE_NAME = /^[a-z][a-z0-9_.-]{0,63}$/
/** Names that Postgres uses itself. */
const TAKEN = /^pg_|^information_schema$|^public$/

export interface SchemaNames {
  readonly schema: string
  readonly pgbossSchema: string
}

/**
 * Returns the schemas of a tenant. `own`: the schemas of the bus from which it is made, which may have any names.
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` for a name that no schema can have, or that collides with the
 * schemas of another bus.
 */
export function namesOfTenant(name: unknown, own: SchemaNames): SchemaNames {
  const refuse = (problem: string) =>
    new PostbusError('POSTBUS_INVALID_OPTIONS', `forSchema(${JSON.stringify(name)}): ${problem}`)
  if (typeof name !== 'string' || !SCHEMA_NAME.test(name) || name.length > MOST)
    throw refuse(`expected the name of a schema, ${SCHEMA_NAME.source}, of at most ${MOST} characters.`)
  if (TAKEN.test(name)) throw refuse('that name is taken by Postgres. Choose another one, such as tenant_a.')
  const pgbossSchema = name + OF_PGBOSS
  const isOwn = [own.schema, own.pgbossSchema].some((taken) => taken === name || taken === pgbossSchema)
  if (name.endsWith(OF_PGBOSS) || isOwn)
    throw refuse(
      `"${name}" or "${pgbossSchema}" is, or may be, where another bus has its deliveries. Choose another name.`,
    )
  return { schema: name, pgbossSchema }
}

/** @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`. */
export function checkDatabaseName(name: unknown): void {
  if (typeof name === 'string' && DATABASE_NAME.test(name)) return
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `forDatabase(${JSON.stringify(name)}, …): expected a name of yours for the database, ${DATABASE_NAME.source}, such as shard-1.`,
  )
}
