/** Which handlers of a worker run in transactions of the application. */
import type { Registry } from '../handlers/registry.ts'
import { needsTransaction } from '../handlers/transactional.ts'
import { transactionRequired } from '../transactions/refusal.ts'
import type { RunTransaction } from '../transactions/register.ts'

/** Includes handlers that run inside `publish`: a worker runs the deliveries stored before a handler became one, and also its replays. */
export function transactionalIn(
  { handlers }: Pick<Registry, 'handlers'>,
  transaction: RunTransaction | undefined,
): readonly string[] {
  const required = handlers.filter(({ options }) => options.transactional)
  if (required.length > 0 && !transaction) throw transactionRequired(required)
  return handlers.filter(needsTransaction).map(({ name }) => name)
}
