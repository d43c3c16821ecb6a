/** The bus of the demo: the shop's bus, but in its own schemas, so a demo can start from nothing in any database. */
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
