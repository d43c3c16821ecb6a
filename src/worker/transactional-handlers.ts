/** Which handlers of a worker run in transactions of the application. */
import type { Registry } from '../handlers/registry.ts'
import { needsTransaction } from '../handlers/transactional.ts'
import { transactionRequired } from '../transactions/refusal.ts'
import type { RunTransaction } from '../transactions/register.ts'

/** Those inside `publish` are among them: what was stored for one before it became so is left to a worker, and so is its replay. */
export function transactionalIn(
  { handlers }: Pick<Registry, 'handlers'>,
  transaction: RunTransaction | undefined,
): readonly string[] {
  const required = handlers.filter(({ options }) => options.transactional)
  if (required.length > 0 && !transaction) throw transactionRequired(required)
  return handlers.filter(needsTransaction).map(({ name }) => name)
}
