/**
 * The bus of the example shop, where the command line finds it: `npm run migrate`, `npm run worker`. Importing this file opens no
 * connection and starts nothing.
 */
import { closingShop, shop } from '../examples/shop/database.ts'
import { createBus, printSignals } from '../src/index.ts'
import { env } from './env.ts'

export const bus = closingShop(
  createBus({
    connectionString: async () => (await shop.project()).connectionString,
    handlers: () => import('./event-handlers.ts'),
    source: 'shop',
    onSignal: printSignals(env.logLevel),
  }),
)
