/** How an application says who its tenants are. */
import type { DatabaseOptions } from './database-options.ts'

/** A bus, as far as a list of tenants is concerned: every bus is one. */
export interface TenantBus {
  readonly name: string
  readonly schema: string
  forSchema(name: string): TenantBus
  forDatabase(name: string, options: DatabaseOptions): TenantBus
}

/** The name of a schema, or a bus: one that `forSchema` or `forDatabase` of the given bus returned. */
export type Tenant = string | TenantBus

/**
 * Returns all tenants that there are now. Asked when a worker starts, every few seconds after that, and by the command line.
 *
 * @example async () => (await db.selectFrom('tenants').select('schema').execute()).map(({ schema }) => schema)
 * @example async (bus) => (await shards()).map(({ name, url }) => bus.forDatabase(name, { connectionString: url }))
 */
export type TenantList = (bus: TenantBus) => readonly Tenant[] | Promise<readonly Tenant[]>
