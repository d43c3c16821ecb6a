/** `bus.tenants`: work on all tenants of an application at once, as the bus's option `tenants` lists them. */
import type { MigrateOptions, MigrateReport } from '../deliveries/operations.ts'
import { safeTextOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'
import type { WorkerOptions } from '../options.ts'
import { parseOptions } from '../parse-options.ts'
import type { Emit } from '../signals.ts'
import { SlotsOfTenants } from '../worker/shared-slots.ts'
import type { Family } from './family.ts'
import type { Tenant, TenantBus, TenantList } from './tenant-list.ts'
import { tenantsWorkerOptions, type TenantsWorkerOptions } from './tenants-options.ts'
import { TenantsWorker } from './tenants-worker.ts'

export interface Tenants<Bus> {
  /** Whether the bus has the option `tenants`. */
  readonly areKnown: boolean
  /**
   * Returns the bus of each present tenant.
   *
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the bus has no option `tenants`, or the option did not return a list
   * of tenants.
   */
  list(): Promise<readonly Bus[]>
  /**
   * Installs or updates the schema of each tenant, one after the other. If one fails, it goes on with the others. Returns the result of
   * each.
   *
   * @throws {PostbusError} what `list()` throws.
   */
  migrate(options?: TenantsMigrateOptions): Promise<readonly TenantMigration[]>
  /**
   * Makes one worker for all tenants. New tenants join within `lookEveryMs`, and removed ones leave. The tenants share its slots, evenly
   * when slots are short.
   *
   * @example
   * const worker = bus.tenants.worker({ queues: { events: 20 }, perTenant: 5 })
   * await worker.start()
   */
  worker(options?: TenantsWorkerOptions): TenantsWorker
}

export interface TenantsMigrateOptions extends Pick<MigrateOptions, 'dryRun'> {
  /** Called before each step, with the name of the tenant. `onWait` is called when a migration waits. */
  readonly onStep?: (tenant: string, step: string) => void
  readonly onWait?: (tenant: string, what: string) => void
}

/** The result for one tenant. */
export type TenantMigration = { readonly tenant: string } & (
  ({ readonly is: 'migrated' } & MigrateReport) | { readonly is: 'failed'; readonly error: unknown }
)

interface Member extends TenantBus {
  close(): Promise<void>
  migrate(options?: MigrateOptions): Promise<MigrateReport>
}

export interface TenantsParts<Bus extends Member> {
  readonly bus: () => Bus
  readonly list: TenantList | undefined
  readonly family: Family<Bus>
  readonly emit: Emit
}

export function tenantsOf<Bus extends Member>({ bus, list: given, family, emit }: TenantsParts<Bus>): Tenants<Bus> {
  async function list(): Promise<readonly Bus[]> {
    if (given === undefined) throw unknownTenants()
    const tenants: unknown = await given(bus())
    if (!Array.isArray(tenants)) throw notTenants(typeof tenants)
    return [...new Set((tenants as readonly Tenant[]).map(busOf))]
  }

  function busOf(tenant: Tenant): Bus {
    if (typeof tenant === 'string') return bus().forSchema(tenant) as Bus // a bus of ours returns buses of the same type
    if (tenant instanceof Object && family.find(tenant as Bus)) return tenant as Bus
    throw notTenants(`one with a ${typeof tenant}`)
  }

  return Object.freeze({
    areKnown: given !== undefined,
    list,
    async migrate({ dryRun, onStep, onWait }: TenantsMigrateOptions = {}) {
      const migrations: TenantMigration[] = []
      for (const tenant of await list()) {
        const how: MigrateOptions = {
          ...(dryRun !== undefined && { dryRun }),
          onStep: (step) => onStep?.(tenant.name, step),
          onWait: (what) => onWait?.(tenant.name, what),
        }
        migrations.push(await migrated(tenant, how))
      }
      return migrations
    },
    worker(options: TenantsWorkerOptions = {}) {
      if (given === undefined) throw unknownTenants()
      const { perTenant, lookEveryMs, ...how } = parseOptions('tenants.worker()', tenantsWorkerOptions, options)
      const slots = new SlotsOfTenants(perTenant)
      const tenants = async () => (await list()).map((tenant) => workedTenant(family, tenant, { slots, how }))
      return new TenantsWorker({ list: tenants, lookEveryMs, emit })
    },
  })
}

async function migrated(tenant: Member, how: MigrateOptions): Promise<TenantMigration> {
  try {
    return { tenant: tenant.name, is: 'migrated', ...(await tenant.migrate(how)) }
  } catch (error) {
    return { tenant: tenant.name, is: 'failed', error }
  }
}

function workedTenant<Bus extends Member>(
  family: Family<Bus>,
  tenant: Bus,
  { slots, how }: { readonly slots: SlotsOfTenants; readonly how: WorkerOptions },
) {
  const member = family.find(tenant)! // `list` returns buses of this family only
  return { name: tenant.name, member, makeWorker: () => member.worker(slots, how) }
}

function unknownTenants(): PostbusError {
  return new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    'This bus does not know its tenants. Say who they are: createBus({ tenants: async () => [ … names of schemas … ] }).',
  )
}

function notTenants(found: string): PostbusError {
  return new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `createBus({ tenants }): expected a list of names of schemas, and of buses that \`forSchema\` or \`forDatabase\` of this bus returned, but found ${safeTextOfError(found)}.`,
  )
}
