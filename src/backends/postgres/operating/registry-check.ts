/** What doctor says about the registry for SQL publishers: whether it is what this code would register. */
import type { DoctorFinding } from '../../../deliveries/operations.ts'
import type { Queryable } from '../connection.ts'
import type { Registering } from '../registry/register.ts'
import type { Tables } from '../schema/tables.ts'

export async function examineRegistry(
  database: Queryable,
  { registry }: Tables,
  { service, registered: { digest, types } }: Registering,
): Promise<DoctorFinding> {
  const { rows } = await database.query<{ digest: string; registeredAt: string }>(
    `select one.digest, to_char(one.registered_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"') as "registeredAt"
    from ${registry} one where one.service = $1`,
    [service],
  )
  const [stands] = rows
  const finding = (status: DoctorFinding['status'], message: string): DoctorFinding => ({
    check: 'registry',
    status,
    message,
  })
  if (types.length === 0) return finding('ok', 'this code has no event types for SQL to publish')
  if (stands?.digest === digest) return finding('ok', `SQL may publish what this code knows, as service "${service}"`)
  const found = stands
    ? `what SQL may publish was registered by other code (${stands.registeredAt})`
    : 'nothing is registered for SQL to publish'
  return finding(
    'warning',
    `${found}: events from SQL do not go where this code would send them. Run: npx postbus migrate`,
  )
}
