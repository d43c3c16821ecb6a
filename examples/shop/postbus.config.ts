/** The bus of the demo: the shop's, but in schemas of its own, so that a demo can begin from nothing in any database. */
import { env } from '../../config/env.ts'
import { createBus, printSignals } from '../../src/index.ts'
import { closingShop, shop } from './database.ts'

export const BUS_SCHEMAS = { schema: 'postbus_demo', pgbossSchema: 'pgboss_demo' } as const

export const bus = closingShop(
  createBus({
    ...BUS_SCHEMAS,
    connectionString: async () => (await shop.project()).connectionString,
    handlers: () => import('../../config/event-handlers.ts'),
    source: 'shop',
    onSignal: printSignals(env.logLevel),
  }),
)
