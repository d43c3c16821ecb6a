/** The options of a worker that serves many tenants. */
import { z } from 'zod'
import { workerOptions } from '../options.ts'

export const tenantsWorkerOptions = workerOptions.extend({
  queues: workerOptions.shape.queues.describe(
    'Queues to work on, each with how many handlers may run at once, of all tenants together. Default: every queue of the handlers, 20 each.',
  ),
  perTenant: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe('How many handlers of one tenant may run at once in each queue. Default: half as many as in all.'),
  lookEveryMs: z
    .int()
    .min(100)
    .max(3_600_000)
    .default(10_000)
    .describe('How often to ask which tenants there are, in milliseconds.'),
})

export type TenantsWorkerOptions = z.input<typeof tenantsWorkerOptions>
