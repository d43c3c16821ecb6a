/** The options of `bus.forDatabase`: where the other database is, and the bus options that belong to a database. */
import { z } from 'zod'
import { atMostOneConnection, connectionOptions } from '../connection-options.ts'
import { SCHEMA_NAME } from '../names.ts'
import { parseOptions } from '../parse-options.ts'
import type { RunTransactionOf } from '../transactions/register.ts'
import type { PublishTransaction } from '../transactions/transaction.ts'

const functionLike = (value: unknown) => typeof value === 'function'
const { connectionString, connection, pool, listen, preparedStatements, poolSize } = connectionOptions

const databaseOptions = z
  .strictObject({
    connectionString,
    connection,
    pool,
    listen,
    preparedStatements,
    poolSize: poolSize.unwrap().optional(),
    schema: z.string().regex(SCHEMA_NAME).optional(),
    pgbossSchema: z.string().regex(SCHEMA_NAME).optional(),
    transaction: z.custom<RunTransactionOf>(functionLike, 'expected a function').optional(),
    currentTransaction: z
      .custom<() => PublishTransaction | null | undefined>(functionLike, 'expected a function')
      .optional(),
  })
  .superRefine(atMostOneConnection)
  .refine((given) => given.connectionString ?? given.connection ?? given.pool, {
    error: 'expected one of `connectionString`, `connection` and `pool`: where the other database is',
  })

export type DatabaseOptions = z.input<typeof databaseOptions>

/** Options that belong to a database, and are not inherited by the bus of another one. */
const NOWHERE = {
  connectionString: undefined,
  connection: undefined,
  pool: undefined,
  listen: undefined,
  preparedStatements: undefined,
  transaction: undefined,
  currentTransaction: undefined,
} as const

/**
 * Returns the settings of the bus for the other database.
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`.
 */
export function settingsThere<Settings extends object>(settings: Settings, options: DatabaseOptions): Settings {
  const given = Object.entries(parseOptions('forDatabase()', databaseOptions, options))
  return { ...settings, ...NOWHERE, ...Object.fromEntries(given.filter(([, value]) => value !== undefined)) }
}
