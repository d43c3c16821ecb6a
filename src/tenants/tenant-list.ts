/** The list of an application's tenants, as the application gives it. */
import type { DatabaseOptions } from './database-options.ts'

/** The part of a bus that a list of tenants needs. Every bus has it. */
export interface TenantBus {
  readonly name: string
  readonly schema: string
  forSchema(name: string): TenantBus
  forDatabase(name: string, options: DatabaseOptions): TenantBus
}

/** A tenant: the name of a schema, or a bus that `forSchema` or `forDatabase` of the given bus returned. */
export type Tenant = string | TenantBus

/**
 * Returns all present tenants. Called when a worker starts, every few seconds after that, and by the command line.
 *
 * @example async () => (await db.selectFrom('tenants').select('schema').execute()).map(({ schema }) => schema)
 * @example async (bus) => (await shards()).map(({ name, url }) => bus.forDatabase(name, { connectionString: url }))
 */
export type TenantList = (bus: TenantBus) => readonly Tenant[] | Promise<readonly Tenant[]>
